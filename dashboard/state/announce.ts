/** Messages after an event: for screen readers, and as a notice on the page. */
import { signal } from '@preact/signals';

export interface Notice {
  readonly text: string;
  readonly tone: 'done' | 'failed';
}

/** Screen readers say each message once, politely. */
export const announcement = signal('');
/** The result of the user's last action. It stays until the next one, or until dismissed. */
export const notice = signal<Notice | null>(null);

export function announce(text: string): void {
  announcement.value = text;
}

/** Runs an action of the user and shows its result. */
export async function tell(doing: Promise<string>): Promise<boolean> {
  try {
    notice.value = { text: await doing, tone: 'done' };
    return true;
  } catch (error) {
    notice.value = { text: error instanceof Error ? error.message : String(error), tone: 'failed' };
    return false;
  }
}
