/** Detaches a listener. */
export interface Subscription {
  dispose(): void;
}

/** A minimal typed event source: listeners run in the order they came, synchronously. */
export class Emitter<T> {
  private readonly listeners = new Set<(value: T) => void>();

  /** Calls `listener` on every later {@link fire}. */
  on(listener: (value: T) => void): Subscription {
    this.listeners.add(listener);
    return { dispose: () => void this.listeners.delete(listener) };
  }

  fire(value: T): void {
    for (const listener of [...this.listeners]) listener(value);
  }
}
