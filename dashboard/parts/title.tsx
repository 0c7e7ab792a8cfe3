/** The name of a title: its file name and its folder. */
import { fitText, folderAndName, legiblePath } from '../words/untrusted.ts';
import { Untrusted } from './untrusted.tsx';

export function TitleOf({ origin, path }: { origin: string; path: string }) {
  const { folder, name } = folderAndName(legiblePath(path));
  return (
    <span class="title" title={`/${origin}${fitText(path)}`}>
      <Untrusted class="name" text={name} />
      <span class="place">
        {origin}
        {folder.length > 1 && (
          <>
            {' · '}
            <Untrusted text={folder} />
          </>
        )}
      </span>
    </span>
  );
}

/** The name as text, for labels. */
export function titleText({ path }: { path: string }): string {
  return fitText(folderAndName(legiblePath(path)).name);
}
