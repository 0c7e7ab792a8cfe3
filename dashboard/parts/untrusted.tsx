/** Text from outside, isolated from the direction of the text around it. Unfit characters are shown as their codes. */
import { pieces } from '../words/untrusted.ts';

export function Untrusted({ text, class: name }: { text: string; class?: string }) {
  return (
    <bdi class={name}>
      {pieces(text).map((piece) => (piece.escaped ? <code class="escaped">{piece.text}</code> : piece.text))}
    </bdi>
  );
}
