import assert from 'node:assert/strict';
import { ENGINES } from '../support/cpu-harness.ts';
import { requireTool } from '../support/tools.ts';
import type { Machine } from '../../src/machine/machine.ts';
import { assemble, machineWith, MACROS } from './guest.ts';

const EBX = 3;
const ECX = 1;
const EDX = 2;

/** EBX counts NMIs; ECX is the return address of the last. `body` runs behind the set-up; `handler` in the NMI's handler. */
const guest = (body: string, handler = ''): Uint8Array =>
  assemble(`${MACROS}
nmi:
  inc ebx
  mov ecx, [esp]
  ${handler}
  iret
start:
  setup
  gate 2, nmi
  xor ebx, ebx
  xor edx, edx
  ${body}`);

for (const engine of ENGINES) {
  describe(`NMI (SDM 3, 6.7) (${engine})`, () => {
    const boot = (body: string, handler?: string): Machine => machineWith(guest(body, handler), { engine });
    const register = (machine: Machine, index: number): number => machine.cpu.state.register32(index);
    /** Steps until EDX is `mark`. */
    const reach = (machine: Machine, mark: number): void => {
      for (let n = 0; n < 1000 && register(machine, EDX) !== mark; n++) machine.run({ maxInstructions: 1 });
      assert.equal(register(machine, EDX), mark);
    };

    before(function () {
      requireTool(this, 'nasm');
    });

    it('comes before the next instruction, with IF = 0', () => {
      const machine = boot('mov edx, 1\nhere: nop\ncli\nhlt');
      reach(machine, 1);
      const { ip } = machine.cpu.state;
      machine.nonMaskableInterrupt();
      machine.run({ maxInstructions: 1 });
      assert.equal(register(machine, EBX), 1);
      assert.equal(machine.run({ maxInstructions: 100 }).reason, 'halt');
      assert.equal(register(machine, ECX), ip);
    });

    it('ends HLT with interrupts off', () => {
      const machine = boot('cli\nhlt\nmov edx, 7\nhlt');
      assert.equal(machine.run({ maxInstructions: 1000 }).reason, 'halt');
      machine.nonMaskableInterrupt();
      assert.equal(machine.run({ maxInstructions: 1000 }).reason, 'halt');
      assert.deepEqual([register(machine, EBX), register(machine, EDX)], [1, 7]);
    });

    it('waits for the IRET of the last one, which need not be its own', () => {
      const machine = boot('mov edx, 1\nnop\nnop\nhlt', 'mov edx, 2\n nop\n nop');
      reach(machine, 1);
      machine.nonMaskableInterrupt();
      reach(machine, 2);
      machine.nonMaskableInterrupt();
      machine.nonMaskableInterrupt();
      machine.run({ maxInstructions: 2 });
      assert.equal(register(machine, EBX), 1, 'blocked inside the handler');
      assert.equal(machine.run({ maxInstructions: 100 }).reason, 'halt');
      assert.equal(register(machine, EBX), 2, 'one is kept, a third is lost');
    });

    it('waits while bit 7 of port 0x70 is 1', () => {
      const machine = boot('mov al, 0x80\nout 0x70, al\nmov edx, 1\nnop\nmov al, 0\nout 0x70, al\nmov edx, 2\nhlt');
      reach(machine, 1);
      machine.nonMaskableInterrupt();
      reach(machine, 2);
      assert.equal(register(machine, EBX), 1, 'before the instruction behind the OUT that lets it');
      const after = machine.cpu.state.ip;
      assert.equal(register(machine, ECX), after - 5, 'MOV EDX, 2 has five bytes');
    });

    it('waits behind MOV SS for one instruction', () => {
      const machine = boot('mov eax, 0x10\nmov edx, 1\nmov ss, ax\nmov esp, 0x170000\nnop\nhlt');
      reach(machine, 1);
      machine.run({ maxInstructions: 1 });
      machine.nonMaskableInterrupt();
      const { ip } = machine.cpu.state;
      machine.run({ maxInstructions: 1 });
      assert.equal(register(machine, EBX), 0);
      machine.run({ maxInstructions: 100 });
      assert.deepEqual([register(machine, EBX), register(machine, ECX)], [1, ip + 5]);
    });

    // "NMIs may be inhibited on the instruction boundary immediately following" (SDM 2, STI): here they are not.
    it('comes behind STI at once, and the shadow of STI is over in its handler', () => {
      const machine = boot('cli\nmov edx, 1\nsti\nnop\ncli\nhlt', 'sti\n nop');
      reach(machine, 1);
      machine.run({ maxInstructions: 1 });
      assert.equal(machine.cpu.state.interruptShadow, true);
      machine.nonMaskableInterrupt();
      const { ip } = machine.cpu.state;
      machine.run({ maxInstructions: 1 });
      assert.deepEqual([register(machine, EBX), machine.cpu.state.interruptShadow], [1, false]);
      machine.run({ maxInstructions: 100 });
      assert.equal(register(machine, ECX), ip);
    });

    it('waits behind POP SS too, and goes before an interrupt that waits as well (SDM 3, table 6-2)', () => {
      const machine = boot(`gate 0x20, timer
        remap 0xfe, 0xff
        outb 0x43, 0x10
        outb 0x40, 0x01
        mov ecx, 300
        loop $
        push ss
        mov edx, 1
        sti
        pop ss
        nop
        cli
        hlt
        timer: mov edi, ebx
        iret`);
      reach(machine, 1);
      machine.run({ maxInstructions: 2 });
      assert.equal(machine.cpu.state.interruptShadow, true);
      machine.nonMaskableInterrupt();
      const { ip } = machine.cpu.state;
      machine.run({ maxInstructions: 1 });
      assert.equal(register(machine, EBX), 0);
      machine.run({ maxInstructions: 100 });
      assert.deepEqual([register(machine, EBX), register(machine, ECX), register(machine, 7)], [1, ip + 1, 1]);
    });

    it('goes on the same from a snapshot taken while one is blocked and one waits', () => {
      const machine = boot('mov edx, 1\nnop\nnop\nhlt', 'mov edx, 2\n nop');
      reach(machine, 1);
      machine.nonMaskableInterrupt();
      reach(machine, 2);
      machine.nonMaskableInterrupt();
      const other = machineWith(new Uint8Array(), { engine });
      other.restore(machine.save());
      for (const one of [machine, other]) assert.equal(one.run({ maxInstructions: 100 }).reason, 'halt');
      assert.equal(register(other, EBX), 2);
      assert.equal(other.instructions, machine.instructions);
    });
  });
}
