import { XEN_ERRNO } from '../../abi/xen/hypercalls.ts';
import type { XenErrno } from '../../abi/xen/hypercalls.ts';

/** A hypercall that Xen refuses: the guest gets the error number, the user reads the reason. */
export class XenError extends Error {
  readonly errno: XenErrno;
  readonly reason: string;

  constructor(errno: XenErrno, reason: string) {
    super(reason);
    this.name = 'XenError';
    this.errno = errno;
    this.reason = reason;
  }

  /** What the hypercall returns: the negative error number. */
  get result(): number {
    return -XEN_ERRNO[this.errno];
  }
}
