/** One row of the information structure as it stands in memory. */
export interface InformationNode {
  readonly name: string;
  /** Bytes from the start of the structure or list that it lies in. */
  readonly offset: number;
  /** Physical address. */
  readonly address: number;
  /** Bytes. */
  readonly size: number;
  readonly value: number | string;
  /** What the value means, complete: `129920 KiB = 126.9 MiB`. */
  readonly text: string;
  /** False when the flags say that the field is not given. */
  readonly present: boolean;
  readonly children?: readonly InformationNode[];
  /** C type, where it is more than an integer of `size` bytes: `char *`. */
  readonly type?: string;
  /** Physical address that the value points to. */
  readonly pointer?: number;
}
