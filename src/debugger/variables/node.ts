/** A row of the Variables view, without a word of DAP. */
export interface VariableNode {
  readonly name: string;
  readonly value: string;
  readonly type?: string;
  /** An expression with the same value. */
  readonly evaluateName?: string;
  /** Linear address of what the row points to. */
  readonly memory?: bigint;
  /** Which context menu entries fit. */
  readonly menu?: 'register' | 'segment' | 'pointer' | 'bit';
  /** Read when the row is opened. */
  readonly children?: () => readonly VariableNode[];
  /** Stores what the user typed; throws StartOfDayError with the reason when that cannot be. */
  readonly set?: (text: string) => void;
}

/** A top-level group of rows. */
export interface Scope {
  readonly name: string;
  /** True when a client should not open it by itself. */
  readonly expensive: boolean;
  readonly rows: () => readonly VariableNode[];
}
