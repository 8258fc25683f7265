/** A kernel that comes with the extension. */
export interface Sample {
  /** Folder below `samples`, and name of its ELF. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
}

export const SAMPLES: readonly Sample[] = [
  {
    name: 'paravirt',
    title: 'Paravirt',
    description: 'Finds out what it runs on and fills in its pv_ops; prints to COM1 and the screen',
  },
  { name: 'keyboard', title: 'Keyboard', description: 'Takes timer and keyboard interrupts and echoes what you type' },
  { name: 'triple-fault', title: 'Triple fault', description: 'Faults while no one can catch it, and says why' },
];
