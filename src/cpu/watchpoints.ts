/** Bytes of linear memory that somebody watches. */
export interface Watchpoint {
  /** First linear address, 32 bits. */
  readonly linear: number;
  /** Bytes. */
  readonly length: number;
  /** `access` is a read or a write. */
  readonly access: 'read' | 'write' | 'access';
}

/** An access that touched a watched byte; the values are what the access carried. */
export interface WatchHit<W extends Watchpoint = Watchpoint> {
  readonly watchpoint: W;
  /** Linear address of the access and its width in bytes: it may begin before the watched bytes. */
  readonly address: number;
  readonly bytes: number;
  readonly access: 'read' | 'write';
  /** For a write into RAM: the bytes before and after, zero-extended. */
  readonly oldValue?: number;
  readonly newValue?: number;
}

/** A data breakpoint of the guest's debug registers. */
export interface RegisterWatchpoint extends Watchpoint {
  /** 0..3. */
  readonly register: number;
}

/**
 * Which accesses to linear memory are watched, by the user and by the guest's debug registers, and what they did.
 * The pages concerned get no TLB entries, so that nothing else pays; an access that touches leaves the fast engines.
 */
export class AccessWatch {
  private user: readonly Watchpoint[] = [];
  private registers: readonly RegisterWatchpoint[] = [];
  private all: readonly Watchpoint[] = [];
  private hits: WatchHit[] = [];

  /** Somebody watches something. */
  get active(): boolean {
    return this.all.length > 0;
  }

  setUser(watchpoints: readonly Watchpoint[]): void {
    this.user = watchpoints;
    this.all = [...this.user, ...this.registers];
  }
  /** True when they differ from those before. */
  setRegisters(watchpoints: readonly RegisterWatchpoint[]): boolean {
    if (watchpoints.length === 0 && this.registers.length === 0) return false;
    this.registers = watchpoints;
    this.all = [...this.user, ...this.registers];
    return true;
  }

  /** True when a read or write of these bytes must be noted. */
  touches(linear: number, bytes: number, access: 'read' | 'write'): boolean {
    return this.all.some((watchpoint) => matches(watchpoint, linear, bytes, access));
  }

  /** Keeps an access that touches watched bytes. */
  note(linear: number, bytes: number, access: 'read' | 'write', oldValue?: number, newValue?: number): void {
    for (const watchpoint of this.all) {
      if (!matches(watchpoint, linear, bytes, access)) continue;
      const values = oldValue === undefined || newValue === undefined ? {} : { oldValue, newValue };
      this.hits.push({ watchpoint, address: linear >>> 0, bytes, access, ...values });
    }
  }

  /** Forgets what was noted: the instruction did not complete. */
  discard(): void {
    if (this.hits.length > 0) this.hits = [];
  }

  /** What the instruction touched: the user's watchpoint to tell of (a write before a read), and the debug registers as DR6 bits. */
  take(): { readonly user: WatchHit | undefined; readonly registers: number } {
    const { hits } = this;
    if (hits.length === 0) return NOTHING;
    this.hits = [];
    const ofUser = hits.filter(({ watchpoint }) => this.user.includes(watchpoint));
    const user = ofUser.find(({ access }) => access === 'write') ?? ofUser[0];
    const touched = this.registers.filter((register) => hits.some(({ watchpoint }) => watchpoint === register));
    return { user, registers: touched.reduce((bits, { register }) => bits | (1 << register), 0) };
  }
}

const NOTHING = { user: undefined, registers: 0 } as const;

function matches(watchpoint: Watchpoint, linear: number, bytes: number, access: 'read' | 'write'): boolean {
  const first = linear >>> 0;
  return (
    (watchpoint.access === 'access' || watchpoint.access === access) &&
    first < watchpoint.linear + watchpoint.length &&
    first + bytes > watchpoint.linear
  );
}
