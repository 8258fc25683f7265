/**
 * Runs a refresh when asked, at once after a pause and at most every `interval` milliseconds in a storm; never two at a time. What was
 * asked during a refresh is done after it, once.
 */
export class Refresher {
  private readonly refresh: () => Promise<void>;
  private readonly interval: number;
  private state: 'idle' | 'busy' | 'busy-and-asked' = 'idle';

  constructor(refresh: () => Promise<void>, interval = 100) {
    this.refresh = refresh;
    this.interval = interval;
  }

  /** Asks for a refresh. */
  ask(): void {
    if (this.state !== 'idle') {
      this.state = 'busy-and-asked';
      return;
    }
    void this.run();
  }

  private async run(): Promise<void> {
    this.state = 'busy';
    const pause = new Promise<void>((resolve) => setTimeout(resolve, this.interval));
    await Promise.all([this.refresh(), pause]);
    const again = (this.state as string) === 'busy-and-asked';
    this.state = 'idle';
    if (again) this.ask();
  }
}
