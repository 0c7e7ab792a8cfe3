/**
 * A long list of rows of one height. Only rows near the window are rendered; the page itself scrolls. Screen readers
 * learn the number of each row and of all rows.
 */
import type { ComponentChild } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

interface VirtualRowsProps {
  readonly count: number;
  /** In CSS pixels. */
  readonly rowHeight: number;
  readonly label: string;
  readonly row: (index: number) => ComponentChild;
  /** Called with the number of rows, from the first one, that should be loaded. */
  readonly onReach: (count: number) => void;
}

/** Rows that are rendered beyond each edge of the window. */
const spare = 5;

export function VirtualRows({ count, rowHeight, label, row, onReach }: VirtualRowsProps) {
  const list = useRef<HTMLUListElement>(null);
  const [{ from, to }, setSpan] = useState({ from: 0, to: 24 });
  useLayoutEffect(() => {
    let frame: number | null = null;
    const look = () => {
      frame = null;
      if (list.current === null) return;
      const top = -list.current.getBoundingClientRect().top;
      const first = Math.max(0, Math.floor(top / rowHeight) - spare);
      const last = Math.max(first, Math.ceil((top + innerHeight) / rowHeight) + spare);
      setSpan((before) => (before.from === first && before.to === last ? before : { from: first, to: last }));
    };
    const onMove = () => {
      frame ??= requestAnimationFrame(look);
    };
    look();
    addEventListener('scroll', onMove, { passive: true });
    addEventListener('resize', onMove);
    return () => {
      if (frame !== null) cancelAnimationFrame(frame);
      removeEventListener('scroll', onMove);
      removeEventListener('resize', onMove);
    };
  }, [rowHeight, count]);
  const end = Math.min(count, to);
  const start = Math.min(from, end);
  useLayoutEffect(() => onReach(end), [end, onReach]);
  const shown = Array.from({ length: end - start }, (_, place) => start + place);
  return (
    <ul ref={list} class="virtual" aria-label={label} style={{ height: `${count * rowHeight}px` }}>
      {shown.map((index) => (
        <li
          key={index}
          aria-posinset={index + 1}
          aria-setsize={count}
          style={{ height: `${rowHeight}px`, transform: `translateY(${index * rowHeight}px)` }}
        >
          {row(index)}
        </li>
      ))}
    </ul>
  );
}
