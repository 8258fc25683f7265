/**
 * Runs a refresh when asked, at once after a pause and at most every `interval` milliseconds in a storm; never two at a time. What was
 * asked during a refresh is done after it, once.
 */
export class Refresher {
  private readonly refresh: () => Promise<void>;
  private readonly interval: number;
  private readonly report: (error: unknown) => void;
  private busy = false;
  private asked = false;

  /** `report` is told of a refresh that was refused; the next one is tried all the same. */
  constructor(refresh: () => Promise<void>, interval = 100, report: (error: unknown) => void = console.error) {
    this.refresh = refresh;
    this.interval = interval;
    this.report = report;
  }

  /** Asks for a refresh. */
  ask(): void {
    this.asked = true;
    if (!this.busy) void this.run();
  }

  private async run(): Promise<void> {
    this.busy = true;
    while (this.asked) {
      this.asked = false;
      const pause = new Promise<void>((resolve) => setTimeout(resolve, this.interval));
      await this.refresh().catch(this.report);
      await pause;
    }
    this.busy = false;
  }
}
