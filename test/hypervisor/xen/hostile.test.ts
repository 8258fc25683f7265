import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { XEN_HYPERCALLS } from '../../../src/abi/xen/hypercalls.ts';
import { REGISTER } from '../../../src/x86/registers.ts';
import { buildXenKernel, XEN_NOTES } from '../../boot/xen-kernels.ts';
import { MIB } from '../../boot/kernels.ts';
import { Random } from '../../support/random.ts';
import { bootXen, type XenRun } from './boot.ts';

/** Asks for ever. */
const CODE = '.globl _start\n_start: int $0x82\njmp _start\n.balign 4096\n.skip 8192\n';
const ARGUMENTS = [REGISTER.ebx, REGISTER.ecx, REGISTER.edx, REGISTER.esi, REGISTER.edi, REGISTER.ebp];
/** Where the kernel's data page is. */
const DATA = 0xc0101000;
/** Numbers of which hypervisors have not been sure. */
const WORDS = [
  0, 1, 2, 3, 4, 5, 7, 16, 511, 0x7ff0, 0x7ff1, 0xfff, 0x1000, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffff0,
  0xffffffff,
];
const ADDRESSES = [
  DATA,
  DATA + 8,
  DATA + 0xffc,
  0xc0102ffd,
  0xc0100000,
  0xc03ffffc,
  0xc0400000,
  0xf57ffffc,
  0xf5800000,
  0xf6800000,
  0xfffffffc,
];
/** What an error number looks like, the lowest that Xen has. */
const LOWEST_ERROR = -64;

describe('a hostile guest on Xen', function () {
  this.timeout(120_000);

  it('gets an error, is ended, or stops at what this Xen lacks, whatever it asks for, and never takes long', function () {
    const random = new Random(1987);
    const bytes = buildXenKernel(this, { header: XEN_NOTES, code: CODE });
    const start = (): XenRun => bootXen(bytes, { memory: 8 * MIB });
    let run = start();
    const ends = new Map<string, number>();
    for (let round = 0; round < 1500; round++) {
      const { machine } = run;
      const { state } = machine.cpu;
      const word = (): number => {
        const kind = random.below(5);
        if (kind === 0) return random.word();
        if (kind === 1) return random.pick(ADDRESSES);
        if (kind === 2) return 0x800000 + random.below(0x800000);
        return kind === 3 ? 0x800 + random.below(0x900) : random.pick(WORDS);
      };
      for (let at = 0; at < 64; at += 4) machine.memory.write(0x801000 + 0x100000 + at, wordBytes(word()));
      const number = random.oneIn(8) ? random.word() : random.pick(XEN_HYPERCALLS).number;
      state.setRegister32(REGISTER.eax, number);
      ARGUMENTS.forEach((register, n) =>
        state.setRegister32(
          register,
          n === 0 && random.below(3) > 0 ? random.below(20) : random.oneIn(3) ? DATA : word(),
        ),
      );
      state.setRegister32(REGISTER.esp, random.oneIn(4) ? word() : DATA + 0xf00);
      state.ip = run.plan.state.eip;
      const before = Date.now();
      const stop = machine.run({ maxInstructions: 1 });
      assert.ok(Date.now() - before < 5000, `hypercall ${number} took ${Date.now() - before} ms`);
      ends.set(stop.reason, (ends.get(stop.reason) ?? 0) + 1);
      const result = machine.hypercalls.records.at(-1)?.result;
      if (stop.reason !== 'max-instructions' || machine.cpu.halted) run = start();
      else if (result !== undefined && result >> 63n === 1n)
        assert.ok(BigInt.asIntN(64, result) >= BigInt(LOWEST_ERROR));
    }
    // Every way a call can end was met.
    for (const reason of ['max-instructions', 'error', 'unimplemented', 'shutdown'])
      assert.ok(ends.has(reason), reason);
  });

  it('finds that a call with four thousand million requests takes its time in pieces', function () {
    const bytes = buildXenKernel(this, { header: XEN_NOTES, code: CODE });
    const { machine, plan } = bootXen(bytes, { memory: 32 * MIB });
    const { state } = machine.cpu;
    const set = (values: readonly number[]): void =>
      [REGISTER.eax, ...ARGUMENTS].forEach((register, n) => state.setRegister32(register, values[n] ?? 0));
    // 16 bytes of zeros are a request to write 0 to machine address 0, which is not the guest's.
    set([1, DATA, 0xffffffff, DATA + 0x1000, 0x7ff0]);
    machine.run({ maxInstructions: 1 });
    assert.equal(state.register32(REGISTER.eax) | 0, -22);
    // Requests that are fine: the instruction is run again for the rest, until the mapped memory ends.
    const request = new Uint8Array(new BigUint64Array([0x901008n | 1n, 0x101n]).buffer);
    for (let at = 0x980000; at < 0xb80000; at += 16) machine.memory.write(at, request);
    set([1, 0xc0180000, 0x7fffffff, DATA, 0x7ff0]);
    state.ip = plan.state.eip;
    machine.run({ maxInstructions: 1 });
    assert.equal(state.ip, plan.state.eip);
    assert.equal(state.register32(REGISTER.ecx), (0x80000000 | (0x7fffffff - 4096)) >>> 0);
    assert.equal(state.register32(REGISTER.ebx), 0xc0180000 + 4096 * 16);
    assert.equal(machine.memory.read32(0x901000), 4096);
  });
});

function wordBytes(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}
