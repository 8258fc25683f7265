import { StartOfDayError } from '../../util/errors.ts';

/** Exit status of a command line that cannot be understood, or that asks for what cannot be done. */
export const BAD_USAGE = 2;

/** Writes the three parts of an error, a line each, and sets the exit status. A defect of ours goes on as it came. */
export function reportTo(stream: NodeJS.WritableStream): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof StartOfDayError)) throw error;
    const { title, detail, mend } = error;
    const lines = [`start-of-day: ${title}`, detail, mend].filter((line) => line !== undefined);
    stream.write(`${lines.join('\n  ')}\n`);
    process.exitCode = BAD_USAGE;
  };
}
