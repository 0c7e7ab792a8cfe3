/** Whether the window is as narrow as that of a phone, where the style sheet stacks what lies side by side. */
import { useEffect, useState } from 'preact/hooks';

const narrow = matchMedia('(max-width: 719px)');

export function useNarrow(): boolean {
  const [isNarrow, setNarrow] = useState(narrow.matches);
  useEffect(() => {
    const look = () => setNarrow(narrow.matches);
    narrow.addEventListener('change', look);
    return () => narrow.removeEventListener('change', look);
  }, []);
  return isNarrow;
}
