/** The time of day, for words like "3 min ago": moves once in a while, for as long as somebody looks. */
import { useEffect, useState } from 'preact/hooks';

export function useClock(every = 10_000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
