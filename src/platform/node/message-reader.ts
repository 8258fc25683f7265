import { StartOfDayError } from '../../util/errors.ts';

const HEADER = /Content-Length: *(\d+)[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n/i;
/** Far more than a client ever says at once. */
const LARGEST_MESSAGE = 64 * 1024 * 1024;
/** What may stand before a header that is not complete yet. */
const LONGEST_HEADER = 1024;

/** Cuts a stream into the messages of the base protocol of DAP. What is no message is reported, and reading goes on behind it. */
export class MessageReader {
  private readonly message: (message: unknown) => void;
  private readonly refuse: (error: StartOfDayError) => void;
  private unread: Buffer = Buffer.alloc(0);

  constructor(message: (message: unknown) => void, refuse: (error: StartOfDayError) => void) {
    this.message = message;
    this.refuse = refuse;
  }

  /** Takes the bytes that have come. */
  read(bytes: Buffer): void {
    this.unread = this.unread.length === 0 ? bytes : Buffer.concat([this.unread, bytes]);
    while (this.next());
  }

  /** False until more bytes come. */
  private next(): boolean {
    const head = this.unread.toString('latin1', 0, LONGEST_HEADER);
    const header = HEADER.exec(head);
    if (header === null) {
      // The end may be the start of a header.
      if (this.unread.length < LONGEST_HEADER) return false;
      this.skip(LONGEST_HEADER / 2);
      return true;
    }
    if (header.index > 0) this.skip(header.index);
    const start = header[0].length;
    const length = Number(header[1]);
    if (length > LARGEST_MESSAGE) {
      this.skip(start);
      return true;
    }
    if (this.unread.length < start + length) return false;
    const text = this.unread.toString('utf8', start, start + length);
    this.unread = this.unread.subarray(start + length);
    this.parse(text);
    return true;
  }

  private parse(text: string): void {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      this.refuse(notMessage(text, 'JSON'));
      return;
    }
    this.message(message);
  }

  private skip(bytes: number): void {
    this.refuse(notMessage(this.unread.toString('utf8', 0, bytes), 'a message with a Content-Length header'));
    this.unread = this.unread.subarray(bytes);
  }
}

function notMessage(text: string, needed: string): StartOfDayError {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return new StartOfDayError({
    code: 'not-a-message',
    blame: 'user',
    title: 'The client sent what is no message of the Debug Adapter Protocol',
    detail: `${JSON.stringify(shown)} stands where ${needed} is needed`,
  });
}
