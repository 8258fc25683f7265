/** Whose mistake an error is: decides whether it is shown to the user, to the guest's author, or reported as a defect of ours. */
export type Blame = 'user' | 'guest' | 'internal';

/** What an error says, in the three parts of every message: what is wrong, where and what was found, what mends it. */
export interface ErrorParts {
  /** Stable kebab-case identifier, for tests and tools. */
  readonly code: string;
  readonly blame: Blame;
  /** What is wrong, with the thing's name. One clause, no full stop. */
  readonly title: string;
  /** Where it says so (file, offset, field), what was found, what was needed. */
  readonly detail?: string;
  /** One sentence that mends it. */
  readonly mend?: string;
}

/** The one error type of the project (invariant 8). */
export class StartOfDayError extends Error {
  readonly code: string;
  readonly blame: Blame;
  readonly title: string;
  readonly detail: string | undefined;
  readonly mend: string | undefined;

  constructor(parts: ErrorParts, options?: ErrorOptions) {
    super([parts.title, parts.detail, parts.mend].filter((part) => part !== undefined).join('. '), options);
    this.name = 'StartOfDayError';
    this.code = parts.code;
    this.blame = parts.blame;
    this.title = parts.title;
    this.detail = parts.detail;
    this.mend = parts.mend;
  }
}

/** A defect of ours: a state that correct code cannot reach. */
export function internalError(title: string): StartOfDayError {
  return new StartOfDayError({ code: 'internal', blame: 'internal', title });
}
