import assert from 'node:assert/strict';
import type { CpuFault } from '../../../src/cpu/fault.ts';
import { SEGMENT } from '../../../src/cpu/state.ts';
import { ENGINES, Guest, PLACE, SELECTOR } from '../../support/cpu-harness.ts';

const HANDLER = 0x44000;
const STACK_0 = 0x70000;
/** Where the program at CPL 3 is: offset 0x10 of segment 0x2000, or of a flat segment. */
const PROGRAM = 0x20010;

const IF = 0x200;
const IOPL_3 = 0x3000;
const VM = 0x20000;
const VIF = 0x80000;
const VIP = 0x100000;
const VME = 1;
const PVI = 2;

const IRETD = 0xcf;
const NOP = 0x90;
const HLT = 0xf4;

for (const engine of ENGINES) {
  // SDM 3, 20.3.2: "If the processor finds that both the VIF and VIP flags are set at the beginning of an instruction".
  describe(`VIF and VIP both set at CPL 3 (${engine})`, () => {
    /** IRETD with these flags to two NOPs at CPL 3, whose HLT is #GP in any case: the offset in CS of the first fault. */
    function faultsAt(flags: number, cr4: number): { at: number; fault: CpuFault } {
      const guest = new Guest(engine, { code: Uint8Array.of(IRETD) });
      const { state } = guest.cpu;
      state.setSegment(SEGMENT.tr, { selector: SELECTOR.tss, base: PLACE.tss, limit: 0x67, access: 0x8b00 });
      guest.writeWords(PLACE.tss + 4, STACK_0, SELECTOR.data0);
      state.setControl(4, cr4);
      guest.handler(13, HANDLER);
      guest.writeBytes(HANDLER, Uint8Array.of(HLT));
      guest.writeBytes(PROGRAM, Uint8Array.of(NOP, NOP, HLT));
      const frame =
        (flags & VM) !== 0
          ? [0x10, 0x2000, flags, 0x1000, 0x3000, 0, 0, 0, 0]
          : [PROGRAM, SELECTOR.code3, flags, 0x60000, SELECTOR.data3];
      state.setRegister32(4, PLACE.stack - 64);
      guest.writeWords(PLACE.stack - 64, ...frame);
      const faults: { at: number; fault: CpuFault }[] = [];
      guest.cpu.onFault.on(({ fault, ip }) => faults.push({ at: ip, fault }));
      for (let n = 0; n < 10 && !guest.cpu.halted; n++) guest.run(10);
      const [first] = faults;
      assert.ok(first);
      assert.deepEqual([faults.length, first.fault.vector, first.fault.errorCode], [1, 13, 0]);
      return first;
    }

    it('is #GP(0) before the first instruction of a virtual-8086 task with CR4.VME', () => {
      const { at, fault } = faultsAt(VM | VIF | VIP | IF, VME);
      assert.equal(at, 0x10);
      assert.equal(fault.reason, 'EFLAGS.VIF is 1 while a virtual interrupt is pending (EFLAGS.VIP)');
    });

    it('is #GP(0) before the first instruction of a virtual-8086 task that a task switch enters', () => {
      const second = 0x3800;
      const index = 14;
      const guest = new Guest(engine, { code: Uint8Array.of(0xea, 0, 0, 0, 0, index * 8, 0) });
      const { state } = guest.cpu;
      state.setSegment(SEGMENT.tr, { selector: SELECTOR.tss, base: PLACE.tss, limit: 0x67, access: 0x8b00 });
      guest.writeWords(PLACE.gdt + index * 8, (second << 16) | 0x67, 0x8900);
      state.gdtr = { base: PLACE.gdt, limit: index * 8 + 7 };
      state.setControl(4, VME);
      guest.writeWords(second + 4, STACK_0, SELECTOR.data0);
      guest.writeWords(second + 0x20, 0x10, VM | VIF | VIP);
      guest.writeWords(second + 0x38, 0x1000);
      guest.writeWords(second + 0x48, 0, 0x2000, 0x3000);
      guest.handler(13, HANDLER);
      guest.writeBytes(HANDLER, Uint8Array.of(HLT));
      guest.writeBytes(PROGRAM, Uint8Array.of(HLT));
      while (!guest.cpu.halted) guest.run(10);
      // Error code, EIP, CS and EFLAGS on the stack of CPL 0 of the second task.
      const frame = [0, 4, 8, 12].map((at) => guest.readWord(guest.register(4) + at));
      assert.deepEqual(frame, [0, 0x10, 0x2000, VM | VIF | VIP | 0x10002]);
    });

    it('is #GP(0) before the first instruction at CPL 3 with CR4.PVI', () => {
      assert.equal(faultsAt(VIF | VIP, PVI).at, PROGRAM);
    });

    it('means nothing with one of the two, without the extension, or at IOPL 3', () => {
      for (const [flags, cr4] of [
        [VM | VIF, VME],
        [VM | VIP, VME],
        [VM | VIF | VIP, 0],
        [VM | VIF | VIP, PVI],
        [VM | VIF | VIP | IOPL_3, VME],
      ] as const)
        assert.equal(faultsAt(flags, cr4).at, 0x12, `${flags.toString(16)} ${cr4}`);
      for (const [flags, cr4] of [
        [VIF, PVI],
        [VIP, PVI],
        [VIF | VIP, VME],
        [VIF | VIP | IOPL_3, PVI],
      ] as const)
        assert.equal(faultsAt(flags, cr4).at, PROGRAM + 2, `${flags.toString(16)} ${cr4}`);
    });
  });
}
