import { fromBase64, toBase64 } from '../util/base64.ts';
import { StartOfDayError } from '../util/errors.ts';
import { memoryReference, parseAddress } from './addresses.ts';
import type { Handlers } from './requests.ts';
import type { SessionState } from './session-state.ts';

/** One answer holds at most this many bytes; the client asks again for the rest. */
const LARGEST_READ = 4 * 1024 * 1024;

const ADDRESS_SPACE = 0x1_0000_0000n;

export function memoryRequests(state: SessionState): Handlers<'readMemory' | 'writeMemory'> {
  return {
    readMemory: ({ memoryReference: reference, offset = 0, count }) => {
      const { inspection } = state.stopped;
      const start = parseAddress(reference) + BigInt(offset);
      if (start < 0n || start >= ADDRESS_SPACE) return { address: reference, unreadableBytes: Math.max(0, count) };
      const wanted = Math.max(0, Math.min(count, LARGEST_READ, Number(ADDRESS_SPACE - start)));
      const bytes = inspection.read(start, wanted);
      return {
        address: memoryReference(start),
        data: toBase64(bytes),
        ...(bytes.length < wanted ? { unreadableBytes: wanted - bytes.length } : {}),
      };
    },
    writeMemory: ({ memoryReference: reference, offset = 0, data, allowPartial = false }) => {
      const { target } = state.stopped;
      const start = BigInt.asUintN(32, parseAddress(reference) + BigInt(offset));
      const bytes = fromBase64(data);
      if (!allowPartial && target.read('linear', start, bytes.length).length < bytes.length)
        throw new StartOfDayError({
          code: 'memory-write',
          blame: 'user',
          title: `There are no ${bytes.length} bytes of memory at ${memoryReference(start)}`,
        });
      const bytesWritten = target.write('linear', start, bytes);
      state.afterResponse(() => state.invalidate());
      return { bytesWritten };
    },
  };
}
