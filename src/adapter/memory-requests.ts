import { fromBase64, toBase64 } from '../util/base64.ts';
import { StartOfDayError } from '../util/errors.ts';
import { count } from '../util/hex.ts';
import { memoryReference, parseAddress } from './addresses.ts';
import type { Handlers } from './requests.ts';
import type { SessionState } from './session-state.ts';

/** One answer holds at most this many bytes; the client asks again for the rest. */
const LARGEST_READ = 4 * 1024 * 1024;

const ADDRESS_SPACE = 0x1_0000_0000n;

export function memoryRequests(state: SessionState): Handlers<'readMemory' | 'writeMemory'> {
  return {
    readMemory: ({ memoryReference: reference, offset = 0, count: asked }) => {
      const { inspection } = state.stopped;
      const start = parseAddress(reference) + BigInt(offset);
      if (start < 0n || start >= ADDRESS_SPACE) return { address: reference, unreadableBytes: Math.max(0, asked) };
      const wanted = Math.max(0, Math.min(asked, LARGEST_READ, Number(ADDRESS_SPACE - start)));
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
      const room = target.read('linear', start, bytes.length).length;
      if (!allowPartial && room < bytes.length)
        throw new StartOfDayError({
          code: 'memory-write',
          blame: 'user',
          title: `${count(bytes.length)} bytes cannot be written at ${memoryReference(start)}`,
          detail: room === 0 ? 'There is no memory' : `Memory ends after ${count(room)} bytes`,
        });
      const bytesWritten = target.write('linear', start, bytes);
      state.afterResponse(() => state.invalidate());
      return { bytesWritten };
    },
  };
}
