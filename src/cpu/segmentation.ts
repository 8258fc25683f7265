import { hex } from '../util/hex.ts';
import { CpuFault } from './fault.ts';
import { ACCESS, SEGMENT, segmentBounds, type CpuState, type SegmentCache, type SegmentIndex } from './state.ts';

const NAMES = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS'] as const;
const STACK_FAULT = 12;
const GENERAL_PROTECTION = 13;

/**
 * Linear address of `bytes` bytes at an offset of a segment (ES CS SS DS FS GS), with every check of SDM 3, 5.3 and 5.5.
 * Raises #SS(0) for the stack segment, #GP(0) for the others.
 */
export function segmentToLinear(state: CpuState, index: number, offset: number, bytes: number, write: boolean): number {
  const segment = state.segment(index as SegmentIndex);
  const name = NAMES[index] ?? 'segment';
  const refuse = (reason: string): never => {
    const vector = index === SEGMENT.ss ? STACK_FAULT : GENERAL_PROTECTION;
    const operands = { selector: segment.selector, offset, bytes, limit: segment.limit, write: write ? 1 : 0 };
    throw new CpuFault(vector, 0, reason, operands);
  };
  const { access } = segment;
  const code = (access & ACCESS.code) !== 0;
  if ((access & ACCESS.present) === 0) refuse(`${name} holds the null selector ${hex(segment.selector, 4)}`);
  if (write && (code || (access & ACCESS.readWrite) === 0)) {
    refuse(`${name} ${hex(segment.selector, 4)} is ${code ? 'code' : 'read-only data'}: a write needs writable data`);
  }
  if (!write && code && (access & ACCESS.readWrite) === 0)
    refuse(`${name} ${hex(segment.selector, 4)} is execute-only code`);
  const [lowest, highest] = segmentBounds(segment);
  if (offset < lowest) {
    refuse(`${name} offset ${hex(offset)} is not above the limit ${hex(segment.limit)} of an expand-down segment`);
  }
  if (offset + bytes - 1 > highest) {
    refuse(
      `${name} offset ${hex(offset)}, ${bytes} bytes, is past ${lowest > 0 ? 'the end' : 'the limit'} ${hex(highest)}`,
    );
  }
  const linear = (segment.base + offset) >>> 0;
  state.trace?.passed('segment', insideSegment(name, segment, offset, bytes, write, linear));
  return linear;
}

function insideSegment(
  name: string,
  segment: SegmentCache,
  offset: number,
  bytes: number,
  write: boolean,
  linear: number,
): string {
  const [lowest, highest] = segmentBounds(segment);
  const access = `${write ? 'write' : 'read'} of ${bytes} bytes at ${hex(offset)}`;
  return `${name} ${hex(segment.selector, 4)}: ${access} is inside ${hex(lowest)} … ${hex(highest)} → lin:${hex(linear, 8)}`;
}
