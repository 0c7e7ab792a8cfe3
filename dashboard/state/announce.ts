/** What a screen reader is told, and what a sighted person reads for a while, after something has happened. */
import { signal } from '@preact/signals';

export interface Notice {
  readonly text: string;
  readonly tone: 'done' | 'failed';
}

/** Said politely, once each. */
export const announcement = signal('');
/** The outcome of what the user has just done; stays until the next one or until dismissed. */
export const notice = signal<Notice | null>(null);

export function announce(text: string): void {
  announcement.value = text;
}

/** Runs what the user asked for and tells how it went. */
export async function tell(doing: Promise<string>): Promise<boolean> {
  try {
    notice.value = { text: await doing, tone: 'done' };
    return true;
  } catch (error) {
    notice.value = { text: error instanceof Error ? error.message : String(error), tone: 'failed' };
    return false;
  }
}
