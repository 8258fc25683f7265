import assert from 'node:assert/strict';
import { attachTo } from '../../../src/hypervisor/hypervisor.ts';
import { isModulePath, userHypervisor } from '../../../src/hypervisor/user/user-hypervisor.ts';
import type { HypervisorModule } from '../../../src/hypervisor/user/hypervisor-module.ts';
import type { Machine } from '../../../src/machine/machine.ts';
import { StartOfDayError } from '../../../src/util/errors.ts';
import { requireTool } from '../../support/tools.ts';
import { assemble, machineWith, MACROS } from '../../machine/guest.ts';

const LIMIT = { maxInstructions: 100_000 };

function under(source: string, module: HypervisorModule): Machine {
  const machine = machineWith(assemble(source));
  const hypervisor = userHypervisor('mine.mjs', module);
  machine.attachSupervisor(attachTo(hypervisor, { entry: 'native', information: undefined, guestMemory: 0x200000 }));
  return machine;
}

const register = (machine: Machine, index: number): number => machine.cpu.state.register32(index);

/** What is wrong with an export. */
function refused(exported: unknown): StartOfDayError {
  try {
    userHypervisor('mine.mjs', exported);
  } catch (error) {
    assert.ok(error instanceof StartOfDayError);
    return error;
  }
  assert.fail('accepted');
}

describe("a hypervisor of the user's own", function () {
  before(function () {
    requireTool(this, 'nasm');
  });

  it('is told from the built-in ones by its path', () => {
    assert.deepEqual(['./mine.mjs', '/x/mine.js', 'sub\\mine.mjs', 'mine.cjs', 'kvm', 'xen'].map(isModulePath), [
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it('makes hypercalls with their name, arguments and result', () => {
    const machine = under('mov eax, 9\nmov ebx, 5\nvmcall\nint 0x80\nout 0xf4, al', {
      name: 'mine',
      hypercall: ({ instruction, vector }, guest) => ({
        name: vector === undefined ? instruction : `${instruction} ${vector}`,
        number: guest.register('eax'),
        arguments: { first: guest.register('ebx') },
        run: () => (vector === undefined ? 40 : undefined),
      }),
    });
    assert.equal(machine.run(LIMIT).reason, 'debug-exit');
    assert.equal(machine.hypervisor, 'mine');
    assert.equal(register(machine, 0), 40);
    assert.deepEqual(
      machine.hypercalls.records.map(({ name, number, arguments: given, result }) => [name, number, given, result]),
      [
        ['vmcall', 9, [{ name: 'first', value: 5n }], 40n],
        ['int 128', 40, [{ name: 'first', value: 5n }], undefined],
      ],
    );
  });

  it('leaves to the machine what it declines', () => {
    const machine = under(`${MACROS}\nstart:\nsetup\ngate 6, bad\nvmcall\nbad:\nmov eax, 1\ncpuid\nout 0xf4, al`, {
      hypercall: () => undefined,
      cpuid: () => undefined,
      privileged: () => false,
      msr: () => undefined,
      io: () => undefined,
    });
    assert.equal(machine.run(LIMIT).reason, 'debug-exit');
    assert.equal(machine.faults[0]?.vector, 6);
    assert.equal(register(machine, 0), 0x6d8);
  });

  it('answers CPUID, MSRs and ports', () => {
    const asked: unknown[] = [];
    const machine = under(
      'mov eax, 0x40000000\ncpuid\nmov esi, ebx\nmov ecx, 0x1234\nmov eax, 7\nxor edx, edx\nwrmsr\nrdmsr\nmov edi, eax\nin al, 0x60\nmov ebp, eax\nout 0x61, al\nhlt',
      {
        cpuid: (leaf) => (leaf === 0x40000000 ? [1, 2, 3, 4] : undefined),
        msr: (index, value) => {
          asked.push([index, value]);
          return value === undefined ? 0x1_0000_0055n : true;
        },
        io: (port, width, value) => {
          asked.push([port, width, value]);
          return value === undefined ? 0x1c : true;
        },
      },
    );
    machine.run(LIMIT);
    assert.deepEqual([register(machine, 6), register(machine, 7), register(machine, 5) & 0xff], [2, 0x55, 0x1c]);
    assert.deepEqual(asked, [
      [0x1234, 7n],
      [0x1234, undefined],
      [0x60, 8, undefined],
      [0x61, 8, 0x1c],
    ]);
  });

  it('emulates what faults, with the bytes and the reason at hand', () => {
    const machine = under('ud2\nmov ebx, 3\nhlt', {
      privileged: ({ vector, bytes, address, errorCode, reason }, guest) => {
        assert.deepEqual([vector, [...bytes], address, errorCode], [6, [0x0f, 0x0b], 0x100000, undefined]);
        assert.match(reason, /UD2/i);
        guest.skipInstruction();
        return true;
      },
    });
    assert.equal(machine.run(LIMIT).reason, 'halt');
    assert.equal(register(machine, 3), 3);
  });

  it('sets the start of day, with a guest at CPL 1', () => {
    const access = 0xc0f300 | (1 << 13);
    const machine = under('push cs\npop eax\ncli\nhlt', {
      startOfDay: (guest) => {
        guest.setSegment('cs', { selector: 0xe019, base: 0, limit: 0xffffffff, access: (access & ~0x6000) | 0x2800 });
        guest.setSegment('ss', { selector: 0xe021, base: 0, limit: 0xffffffff, access: (access & ~0x6000) | 0x2000 });
        guest.setRegister('cpl', 1);
        guest.setRegister('ebx', 0x12345678);
        guest.writePhysical(0x170000, [1, 2, 3]);
      },
      privileged: (fault, guest) => {
        assert.equal(fault.vector, 13);
        guest.shutdown(`CLI at CPL ${guest.register('cpl')}.`);
        return true;
      },
    });
    assert.equal(machine.run(LIMIT).description, 'CLI at CPL 1.');
    assert.equal(register(machine, 0), 0xe019);
    assert.equal(register(machine, 3), 0x12345678);
    assert.deepEqual([...machine.memory.read(0x170000, 3)], [1, 2, 3]);
  });

  it('prints, also before anything runs and anybody listens', () => {
    const machine = under('hlt', {
      startOfDay: (guest) => guest.print('one '),
      hypercall: () => undefined,
    });
    let text = '';
    machine.onSerial.on((byte) => (text += String.fromCharCode(byte)));
    machine.run(LIMIT);
    assert.equal(text, 'one ');
  });

  it('stops the machine with its own error, by method and file', () => {
    const machine = under('vmcall\nhlt', {
      hypercall: () => {
        throw new TypeError('x is not a function');
      },
    });
    const stop = machine.run(LIMIT);
    assert.equal(stop.reason, 'error');
    assert.equal(stop.description, 'hypercall() of mine.mjs failed: x is not a function.');
  });

  it('gives the guest the #PF that a pointer of the guest raises', () => {
    const machine = under(
      `${MACROS}\nstart:\nsetup\ngate 14, fault\nmov dword [0x112000], 0x83\nmov eax, 0x112000\nmov cr3, eax
      mov eax, cr4\nor al, 0x10\nmov cr4, eax\nmov eax, cr0\nor eax, 0x80000000\nmov cr0, eax\nvmcall\nfault:\nout 0xf4, al`,
      {
        hypercall: (_request, guest) => ({ name: 'read', run: () => guest.readMemory(0x80000000, 1)[0] }),
      },
    );
    assert.equal(machine.run(LIMIT).reason, 'debug-exit');
    assert.equal(machine.cpu.state.control(2), 0x80000000);
    assert.equal(machine.hypercalls.records.length, 0);
  });

  it('keeps its state in snapshots', () => {
    let calls = 0;
    const machine = under('vmcall\nvmcall\nhlt', {
      hypercall: () => ({ name: 'count', run: () => ++calls }),
      save: () => calls,
      restore: (saved) => (calls = Number(saved)),
    });
    machine.run({ maxInstructions: 1 });
    const snapshot = machine.save();
    machine.run(LIMIT);
    assert.equal(register(machine, 0), 2);
    machine.restore(snapshot);
    machine.run(LIMIT);
    assert.equal(register(machine, 0), 2);
  });

  it('says what is wrong with a module', () => {
    assert.equal(refused(undefined).title, 'mine.mjs exports no hypervisor');
    const misspelt = refused({ hypercal: () => undefined });
    assert.deepEqual(
      [misspelt.title, misspelt.mend],
      ['mine.mjs: a hypervisor has no "hypercal"', 'Did you mean "hypercall"?'],
    );
    assert.equal(refused({ cpuid: [1] }).title, 'mine.mjs: "cpuid" is no function');
    assert.equal(refused({ name: 7 }).title, 'mine.mjs: "name" is no string');
  });

  it('refuses a register that there is not, by name', () => {
    const machine = under('hlt', { startOfDay: (guest) => guest.setRegister('rax', 1) });
    assert.match(machine.run(LIMIT).description, /startOfDay\(\) of mine.mjs failed: There is no register "rax"/);
  });
});
