import { StartOfDayError } from '../util/errors.ts';

/** One thing wrong with an ELF file, with the field that says so. */
export interface ElfProblem {
  readonly code: string;
  /** What is wrong, after the file's name: "is a big-endian ELF file". */
  readonly title: string;
  /** "e_phentsize". */
  readonly field: string;
  /** Of the field in the file, "0x2a". */
  readonly offset: string;
  readonly found: string;
  readonly needed: string;
  readonly mend: string;
}

/** Every ELF diagnostic has this form: field, file offset, what was found, what was needed. */
export function elfError(file: string, problem: ElfProblem): StartOfDayError {
  return new StartOfDayError({
    code: problem.code,
    blame: 'user',
    title: `${file} ${problem.title}`,
    detail: `${problem.field} at file offset ${problem.offset} is ${problem.found}; needed: ${problem.needed}`,
    mend: problem.mend,
  });
}
