import type { Debuggee } from '../debugger/debuggee.ts';
import type { Scheduler } from '../debugger/scheduler.ts';
import { StartOfDayError } from '../util/errors.ts';
import { toErrorMessage } from './errors.ts';
import type { AdapterHost } from './host.ts';
import type { CompleteLaunchConfiguration } from './launch-configuration.ts';
import { OutputStream } from './output-stream.ts';
import type { ChangedEvent, View } from './protocol.ts';
import { describeStop } from './stop-text.ts';
import { UserBreakpoints } from './user-breakpoints.ts';

/** The machine of a session and how it was asked for. */
export interface Launched {
  readonly configuration: CompleteLaunchConfiguration;
  readonly debuggee: Debuggee;
}

const VIEWS: readonly View[] = ['boot', 'machine', 'pvOps', 'screen'];

/** While the machine runs its screen is shown at most this often. */
const SCREEN_MILLISECONDS = 100;

/** What the families of requests share: the machine, the client, and the way to tell it something. */
export class SessionState {
  readonly host: AdapterHost;
  readonly breakpoints: UserBreakpoints;
  /** `clientID` of the initialize request. */
  client = '';
  /** The client understands the `invalidated` event. */
  supportsInvalidated = false;
  /** The client understands ANSI escape sequences in output. */
  styled = false;
  /** Exception filters that are on. */
  exceptionFilters: ReadonlySet<string> = new Set();
  private readonly sendEvent: (event: string, body: unknown) => void;
  private current: Launched | undefined;
  private output: OutputStream | undefined;
  private deferred: (() => void)[] = [];
  private screenDue: { cancel(): void } | undefined;
  /** True once `terminated` was sent. */
  private over = false;

  constructor(host: AdapterHost, sendEvent: (event: string, body: unknown) => void) {
    this.host = { ...host, scheduler: this.guarded(host.scheduler) };
    this.sendEvent = sendEvent;
    this.breakpoints = new UserBreakpoints((body) => this.send('breakpoint', body));
  }

  /** The machine. Throws before the launch. */
  get launched(): Launched {
    if (this.current === undefined)
      throw new StartOfDayError({
        code: 'not-launched',
        blame: 'user',
        title: 'There is no machine yet',
        mend: 'Send a launch request first.',
      });
    return this.current;
  }

  get debuggee(): Debuggee {
    return this.launched.debuggee;
  }

  /** The machine, stopped. Throws while it runs: registers and memory have no value then. */
  get stopped(): Debuggee {
    this.requireStopped();
    return this.debuggee;
  }

  requireStopped(): void {
    if (this.over)
      throw new StartOfDayError({
        code: 'session-over',
        blame: 'user',
        title: 'The session is over',
        mend: 'Launch the kernel again.',
      });
    if (this.debuggee.control.running)
      throw new StartOfDayError({
        code: 'running',
        blame: 'user',
        title: 'The machine is running',
        mend: 'Pause it to look inside.',
      });
  }

  /** Puts a machine into the session in place of the one before. */
  adopt(launched: Launched): void {
    this.release();
    this.current = launched;
    this.over = false;
    const { debuggee, configuration } = launched;
    this.output = new OutputStream(debuggee.machine, configuration.serial, (event, body) => this.send(event, body));
    this.breakpoints.attach(configuration.noDebug ? undefined : debuggee);
    debuggee.control.onStop.on((stop) => {
      this.flushOutput();
      describeStop(this, stop);
    });
    debuggee.control.onSlice.on(() => {
      this.output?.flush();
      this.screenDue ??= this.host.scheduler.later(() => {
        this.screenDue = undefined;
        this.changed(['screen']);
      }, SCREEN_MILLISECONDS);
    });
  }

  send(event: string, body?: unknown): void {
    this.sendEvent(event, body);
  }

  /** Runs `action` once the response to the request at hand is on its way. */
  afterResponse(action: () => void): void {
    this.deferred.push(action);
  }

  /** The response to a request was sent. */
  responded(): void {
    const actions = this.deferred;
    this.deferred = [];
    for (const action of actions) this.guard(action);
  }

  /** Tells the client about an error that belongs to no request. */
  complain(error: unknown): void {
    this.send('output', { category: 'stderr', output: `${toErrorMessage(error, true).format}\n` });
  }

  /**
   * Tells the client that the machine stopped: the event, then the views. VS Code selects a frame without source, and so fills
   * Variables and Disassembly, for one reason alone; what it shows as the reason is `description`.
   */
  stoppedEvent(body: Record<string, unknown>): void {
    const reason = this.client === 'vscode' ? { reason: 'instruction breakpoint' } : {};
    this.send('stopped', { threadId: 1, allThreadsStopped: true, ...body, ...reason });
    this.changed(VIEWS);
  }

  /** The user has changed the stopped machine: what the client shows of it may be old. */
  invalidate(): void {
    if (this.supportsInvalidated) this.send('invalidated', { areas: ['variables'] });
    this.changed(VIEWS);
  }

  /** Tells views to read again. */
  changed(views: readonly View[]): void {
    const body: ChangedEvent = { views, instruction: this.debuggee.target.instructions };
    this.send('startOfDay/changed', body);
  }

  flushOutput(): void {
    this.output?.flush();
  }

  /** The session is over: the guest ended it with an exit code, or the user did without one. */
  terminate(exitCode?: number): void {
    if (this.over) return;
    this.over = true;
    this.end();
    if (exitCode !== undefined) this.send('exited', { exitCode });
    this.send('terminated');
  }

  /** Lets go of the machine. */
  end(): void {
    this.flushOutput();
    this.release();
  }

  /** What runs between requests has nobody to throw to: an error there ends the session and says why. */
  private guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.complain(error);
      this.terminate(1);
    }
  }

  private guarded(scheduler: Scheduler): Scheduler {
    return {
      now: () => scheduler.now(),
      soon: (callback) => scheduler.soon(() => this.guard(callback)),
      later: (callback, milliseconds) => scheduler.later(() => this.guard(callback), milliseconds),
    };
  }

  private release(): void {
    this.current?.debuggee.control.abandon();
    this.screenDue?.cancel();
    this.screenDue = undefined;
  }
}
