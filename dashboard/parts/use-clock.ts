/** The time of day, for texts like "3 min ago". It is updated now and then while a component uses it. */
import { useEffect, useState } from 'preact/hooks';

export function useClock(every = 10_000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
