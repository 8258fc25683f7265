import type { Backend } from '../paravirt/backend.ts';

/**
 * What Start of Day's own views ask of the adapter beyond the Debug Adapter Protocol, and what it tells them. Every request is a read
 * of the machine at its current instruction, but `keyboard` and `serialInput`, which bring input to it. A request is legal while the
 * machine runs.
 */

/** Arguments and reply of each custom request, by its DAP `command`. */
export interface CustomRequests {
  'startOfDay/boot': { arguments: undefined; reply: BootReply };
  'startOfDay/machine': { arguments: undefined; reply: MachineReply };
  'startOfDay/pvOps': { arguments: undefined; reply: PvOpsReply };
  'startOfDay/screen': { arguments: undefined; reply: ScreenReply };
  'startOfDay/keyboard': { arguments: KeyboardArguments; reply: undefined };
  'startOfDay/serialInput': { arguments: SerialInputArguments; reply: undefined };
}

/** Body of each custom event, by its DAP `event`. */
export interface CustomEvents {
  'startOfDay/changed': ChangedEvent;
  'startOfDay/serial': SerialEvent;
}

export type CustomRequest = keyof CustomRequests;
export type CustomEvent = keyof CustomEvents;

/** A view whose content may differ from what the adapter last sent. */
export type View = 'boot' | 'machine' | 'pvOps' | 'screen';

/** What a view shows has changed. While the machine runs only `screen` comes, at most ten times a second. */
export interface ChangedEvent {
  readonly views: readonly View[];
  /** Retired instructions since entry. */
  readonly instruction: number;
}

/** Bytes that the guest sent to COM1, as Latin-1 text. Sent in both settings of `"serial"`: a terminal can be opened at any time. */
export interface SerialEvent {
  readonly text: string;
}

/** How the kernel was entered, and what was promised to it. */
export interface BootReply {
  readonly instruction: number;
  /** Path of the kernel file, as in the launch configuration. */
  readonly program: string;
  /** Launch configuration name of the entry: `multiboot`. */
  readonly entry: string;
  /** "Multiboot 1". */
  readonly entryLabel: string;
  /** Launch configuration name of what the kernel stands on: `native`. */
  readonly hypervisor: string;
  /** The sentence of the Debug Console that names the entry and why. */
  readonly chosen: string;
  readonly promises: readonly PromiseRow[];
}

/** One line of the contract between loader and kernel, at entry. */
export interface PromiseRow {
  /** "EAX", "CR0.PE". */
  readonly item: string;
  /** What the protocol promises; absent when it promises nothing. */
  readonly promise?: string;
  /** What the machine held at entry. */
  readonly atEntry: string;
  /** `set` is an override of the launch configuration. */
  readonly verdict: 'kept' | 'broken' | 'not promised' | 'set';
}

/** What a row of the Machine view stands for: the view chooses icon and inline commands by it. */
export type MachineRowKind =
  | 'start-of-day'
  | 'promises'
  | 'promise-kept'
  | 'promise-broken'
  | 'promise-none'
  | 'promise-set'
  | 'structure'
  | 'cpu'
  | 'descriptor-tables'
  | 'descriptor-table'
  | 'descriptor'
  | 'devices'
  | 'device'
  | 'screen'
  | 'serial'
  | 'images'
  | 'image'
  | 'field';

/** A row of the Machine view with everything below it. */
export interface MachineRow {
  readonly kind: MachineRowKind;
  /** "CPU", "GDT", "mem_lower". Unique among its siblings. */
  readonly label: string;
  /** "32-bit, paging off". */
  readonly description: string;
  readonly children?: readonly MachineRow[];
  /** DAP memory reference of what the row shows, when it lies in memory. */
  readonly memoryReference?: string;
}

/** The machine at one instruction: Start of Day, CPU, Descriptor Tables, Devices, Images. */
export interface MachineReply {
  readonly instruction: number;
  readonly rows: readonly MachineRow[];
}

/** One function pointer of a `pv_ops` table. */
export interface PvOpsSlot {
  /** "irq_disable". */
  readonly name: string;
  /** Bytes from the start of its group. */
  readonly offset: number;
  /** Linear address of the pointer. */
  readonly address: number;
  /** The pointer: a linear address. */
  readonly target: number;
  readonly backend: Backend;
  /** `xen · xen_irq_disable_direct, was native`: backend, symbols at the target, and the backend at entry when it was another. */
  readonly description: string;
  /** Differs from the stop before. */
  readonly changed: boolean;
}

/** The slots of one structure: `pv_irq_ops`, or a part of `pv_ops`. */
export interface PvOpsGroup {
  readonly name: string;
  /** Linear address of the structure. */
  readonly address: number;
  readonly slots: readonly PvOpsSlot[];
}

/** The paravirt operations of the image as memory holds them now. */
export interface PvOpsReply {
  readonly instruction: number;
  /** `pv_info.name`, when the image has it: what the kernel believes it runs on. */
  readonly believes?: string;
  readonly groups: readonly PvOpsGroup[];
  /** With no groups: why, in one or two sentences. */
  readonly explanation?: string;
}

/** The VGA screen: text, or in a graphics mode no rows and a picture. */
export interface ScreenReply {
  readonly instruction: number;
  readonly columns: number;
  readonly rows: number;
  /** One string of `columns` characters for each row: code page 437 as Unicode. */
  readonly text: readonly string[];
  /** Base64 of `columns * rows` attribute bytes, row by row. */
  readonly attributes: string;
  /** Bit 7 of an attribute blinks; else it makes the background bright. */
  readonly blinks: boolean;
  /** Scan lines of a character cell. */
  readonly cellLines: number;
  /** Absent when the cursor is off or outside the screen. It fills scan lines `firstLine` to `lastLine` of its cell, 0 the uppermost. */
  readonly cursor?: Readonly<Record<'row' | 'column' | 'firstLine' | 'lastLine', number>>;
  readonly picture?: PictureReply;
}

/** What a graphics mode shows. */
export interface PictureReply {
  readonly width: number;
  readonly height: number;
  /** Base64 of `width * height` palette entries, row by row. */
  readonly pixels: string;
  /** Base64 of red, green and blue of 256 entries, 0..255. */
  readonly palette: string;
}

/** Scan codes for the keyboard controller, set 1, in order. */
export interface KeyboardArguments {
  readonly scanCodes: readonly number[];
}

/** Bytes for COM1, as Latin-1 text. */
export interface SerialInputArguments {
  readonly text: string;
}

/**
 * `variables` of the DAP error of a failed request: the parts of the message, for a client that shows them apart. The extension shows
 * those of a refused `launch` or `restart`, and VS Code the others where the request came from: with `clientID` "vscode", errors have
 * `showUser: false`.
 */
export interface ErrorVariables {
  readonly code: string;
  readonly blame: string;
  readonly title: string;
  readonly detail?: string;
  readonly mend?: string;
}
