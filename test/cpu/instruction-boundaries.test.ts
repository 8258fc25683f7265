import assert from 'node:assert/strict';
import type { CpuModelName } from '../../src/x86/cpu-model.ts';
import type { CpuExit } from '../../src/cpu/cpu.ts';
import { assemble, type Program } from '../support/assembler.ts';
import { ENGINES, Guest, PLACE } from '../support/cpu-harness.ts';
import { requireTool } from '../support/tools.ts';

for (const engine of ENGINES) {
  describe(`Invariant 2: what happens between instructions (${engine})`, () => {
    let program: Program;
    const guestOf = (source: string, cpu?: CpuModelName): Guest => {
      program = assemble(source, PLACE.code);
      return new Guest(engine, { code: program.bytes, cpu });
    };

    before(function () {
      requireTool(this, 'gcc');
    });

    it('STI holds interrupts off for one instruction', () => {
      const guest = guestOf('nop\n sti\n nop\n nop\n hlt');
      assert.deepEqual(guest.run(100), { kind: 'attention' });
      assert.equal(guest.cpu.retired, 2);
      assert.equal(guest.cpu.interruptible, false);
      assert.deepEqual(guest.run(1), { kind: 'budget' });
      assert.equal(guest.cpu.interruptible, true);
      assert.equal(guest.cpu.retired, 3);
      assert.deepEqual(guest.run(100), { kind: 'halted' });
    });

    it('STI with interrupts on already holds nothing off', () => {
      const guest = guestOf('sti\n nop\n sti\n nop\n hlt');
      assert.deepEqual(guest.run(100), { kind: 'attention' });
      assert.deepEqual(guest.run(2), { kind: 'budget' });
      assert.equal(guest.cpu.interruptible, true);
    });

    it('MOV SS and POP SS hold interrupts off for one instruction', () => {
      for (const load of ['mov ss, eax', 'push eax\n pop ss']) {
        const guest = guestOf(`mov eax, 0x10\n sti\n nop\n ${load}\n mov esp, 0x70000\n hlt`);
        let exit: CpuExit;
        do exit = guest.run(1);
        while (guest.cpu.state.ip !== PLACE.code + program.bytes.length - 6);
        assert.deepEqual(exit, { kind: 'attention' });
        assert.equal(guest.cpu.interruptible, false);
        guest.run(1);
        assert.equal(guest.register(4), 0x70000);
        assert.equal(guest.cpu.interruptible, true);
      }
    });

    it('POPF that turns interrupts on returns for attention', () => {
      const guest = guestOf('push 0x202\n popf\n nop\n hlt');
      assert.deepEqual(guest.run(100), { kind: 'attention' });
      assert.equal(guest.cpu.retired, 2);
      assert.equal(guest.cpu.interruptible, true);
    });

    it('HLT stops until an interrupt, which returns behind it', () => {
      const guest = guestOf('sti\n hlt\nafter: mov ebx, 1\n hlt\nhandler: mov ecx, [esp]\n iretd');
      guest.handler(0x20, program.at('handler'));
      guest.run(100);
      assert.deepEqual(guest.run(100), { kind: 'halted' });
      assert.equal(guest.cpu.halted, true);
      assert.equal(guest.cpu.retired, 2);
      assert.deepEqual(guest.run(100), { kind: 'halted' });
      assert.equal(guest.cpu.retired, 2, 'nothing runs while it is halted');
      guest.cpu.deliverInterrupt(0x20);
      assert.equal(guest.cpu.halted, false);
      assert.equal(guest.cpu.interruptible, false, 'an interrupt gate turns interrupts off');
      assert.deepEqual(guest.run(2), { kind: 'attention' }, 'IRET turns them on again');
      assert.equal(guest.register(1), program.at('after'));
      assert.deepEqual(guest.run(100), { kind: 'halted' });
      assert.equal(guest.register(3), 1);
    });

    it('attention() of a device returns after the instruction that reached it', () => {
      const guest = guestOf('mov al, 5\n out 0x80, al\n nop\n hlt');
      guest.bus.onPort = () => guest.cpu.attention();
      assert.deepEqual(guest.run(100), { kind: 'attention' });
      assert.equal(guest.cpu.retired, 2);
      assert.deepEqual(guest.run(100), { kind: 'halted' });
    });

    it('INS reads the port only when the write will succeed', () => {
      const guest = guestOf('mov edi, 0x90000\n mov dx, 0x1f0\n insd\n hlt');
      guest.mapIdentity(0x90000);
      guest.enablePaging();
      assert.equal(guest.run(100).kind, 'triple-fault');
      assert.deepEqual(guest.bus.events, []);
      guest.map(0x90000, 0x20000);
      guest.cpu.stateChanged();
      guest.cpu.state.setRegister32(0, 0x12345678);
      assert.deepEqual(guest.run(100), { kind: 'halted' });
      assert.deepEqual(guest.bus.events, ['in 1f0 32']);
      assert.deepEqual([guest.readWord(0x20000), guest.register(0)], [0xffffffff, 0x12345678]);
    });

    it('device memory is reached once for each access', () => {
      const guest = guestOf('mov eax, [0xfee00020]\n mov [0xfee000b0], al\n or word ptr [0xfee00080], 1\n hlt');
      assert.deepEqual(guest.run(100), { kind: 'halted' });
      assert.deepEqual(guest.bus.events, [
        'read fee00020 32',
        'write fee000b0 8 ff',
        'read fee00080 16',
        'write fee00080 16 ffff',
      ]);
    });

    it('slices change nothing but where it pauses', () => {
      const source = `
        mov ecx, 200
      again:
        add eax, ecx
        cli
        mov edi, 0x20000
        push ecx
        mov ecx, 3
        rep stosb
        pop ecx
        dec ecx
        jnz again
        hlt`;
      const whole = guestOf(source);
      assert.deepEqual(whole.run(100_000), { kind: 'halted' });
      for (const slice of [1, 7, 100, 1000]) {
        const guest = guestOf(source);
        let pauses = 0;
        let exit = guest.run(100_000, { slice });
        for (; exit.kind === 'slice'; pauses++) exit = guest.run(100_000, { slice });
        assert.deepEqual(exit, { kind: 'halted' });
        assert.ok(pauses > 1, `${pauses} pauses`);
        assert.deepEqual(guest.snapshot(), whole.snapshot());
      }
    });

    it('what the machine does not have stops before it, with its name', () => {
      // IA32_PERFEVTSEL0 enabled at every level (SDM 3, 18.2.1.1).
      const guest = guestOf('mov ecx, 0x186\n mov eax, 0x00430000\n xor edx, edx\n wrmsr\n hlt', 'pentium-pro');
      assert.deepEqual(guest.run(100), {
        kind: 'unimplemented',
        what: 'performance counters (MSR 0x186 (IA32_PERFEVTSEL0))',
      });
      assert.equal(guest.cpu.state.ip, PLACE.code + 12);
      assert.equal(guest.cpu.retired, 3);
    });

    it('WAIT does nothing, or raises #NM with CR0.MP and CR0.TS', () => {
      const guest = guestOf('fwait\n hlt');
      assert.deepEqual(guest.run(100), { kind: 'halted' });
      const trapped = guestOf('fwait\n hlt');
      trapped.cpu.state.setControl(0, 0x1b);
      const exit = trapped.run(100);
      assert.equal(exit.kind === 'triple-fault' ? exit.chain[0]?.vector : undefined, 7);
    });
  });
}
