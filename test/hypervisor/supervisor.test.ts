import assert from 'node:assert/strict';
import { Unimplemented } from '../../src/cpu/fault.ts';
import type { CpuIntercepts } from '../../src/cpu/intercepts.ts';
import { HypercallLog } from '../../src/machine/hypercall-log.ts';
import type { Machine } from '../../src/machine/machine.ts';
import { hashSnapshot } from '../../src/machine/machine-snapshot.ts';
import type { Supervisor, SupervisorHost } from '../../src/machine/supervisor.ts';
import { REGISTER } from '../../src/x86/registers.ts';
import { ENGINES } from '../support/cpu-harness.ts';
import { requireTool } from '../support/tools.ts';
import { assemble, machineWith, MACROS } from '../machine/guest.ts';

const LIMIT = { maxInstructions: 100_000 };

/** A hypervisor of which a test says the interesting part. */
function under(machine: Machine, make: (host: SupervisorHost, log: HypercallLog) => Partial<Supervisor>): HypercallLog {
  let log: HypercallLog | undefined;
  machine.attachSupervisor((host) => {
    log = new HypercallLog(() => host.cpu.retired);
    return {
      name: 'test',
      intercepts: {},
      hypercalls: log,
      device: {
        name: 'test hypervisor',
        save: () => ({}),
        restore: () => undefined,
        nextEvent: () => Infinity,
        advance: () => undefined,
      },
      ...make(host, log),
    };
  });
  assert.ok(log);
  return log;
}

const register = (machine: Machine, name: keyof typeof REGISTER): number =>
  machine.cpu.state.register32(REGISTER[name]);

describe('a hypervisor under the machine', function () {
  before(function () {
    requireTool(this, 'nasm');
  });

  for (const engine of ENGINES) {
    it(`${engine}: answers VMCALL, and the guest goes on behind it`, () => {
      const machine = machineWith(assemble('mov eax, 5\nmov ebx, 7\nvmcall\nadd eax, 1\nout 0xf4, al'), { engine });
      under(machine, ({ cpu }) => ({
        intercepts: {
          hypercall: (instruction) => {
            assert.equal(instruction, 'vmcall');
            cpu.state.setRegister32(
              REGISTER.eax,
              cpu.state.register32(REGISTER.eax) * cpu.state.register32(REGISTER.ebx),
            );
            return true;
          },
        },
      }));
      const stop = machine.run(LIMIT);
      assert.equal(stop.exitCode, (36 << 1) | 1);
      assert.equal(machine.instructions, 5);
    });

    it(`${engine}: takes INT n before the IDT is looked at`, () => {
      const machine = machineWith(assemble('int 0x82\nint3\nout 0xf4, al'), { engine });
      const vectors: number[] = [];
      under(machine, () => ({ intercepts: { softwareInterrupt: (vector) => vectors.push(vector) > 0 } }));
      assert.equal(machine.run(LIMIT).reason, 'debug-exit');
      assert.deepEqual(vectors, [0x82, 3]);
      assert.equal(machine.faults.length, 0);
    });

    it(`${engine}: emulates what faults; the guest and its fault list never see it`, () => {
      const machine = machineWith(assemble('mov eax, [0x110000]\nud2\nmov ebx, 1\nout 0xf4, al'), { engine });
      under(machine, ({ cpu }) => ({
        intercepts: {
          exception: (fault) => {
            assert.equal(fault.vector, 6);
            cpu.state.ip = cpu.instruction.next;
            return 'emulated';
          },
        },
      }));
      assert.equal(machine.run(LIMIT).reason, 'debug-exit');
      assert.equal(machine.faults.length, 0);
      assert.equal(register(machine, 'ebx'), 1);
    });

    it(`${engine}: shows the address of a page fault in CR2, and leaves CR2 alone where it declines`, () => {
      const source = `${MACROS}
start:
  setup
  gate 14, fault
  mov dword [0x111000], 0x100083 + 0
  mov dword [0x112000], 0x00000083
  mov eax, 0x112000
  mov cr3, eax
  mov eax, cr4
  or eax, 0x10
  mov cr4, eax
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  mov eax, [0x80000123]
  mov ecx, [0x90000456]
  out 0xf4, al
fault:
  mov edx, cr2
  out 0xf4, al`;
      const machine = machineWith(assemble(source), { engine });
      const seen: number[] = [];
      under(machine, ({ cpu }) => ({
        intercepts: {
          exception: (fault) => {
            seen.push(cpu.state.control(2));
            if (seen.length > 1) return undefined;
            assert.equal(fault.errorCode, 0);
            cpu.state.ip = cpu.instruction.next;
            return 'emulated';
          },
        },
      }));
      machine.run(LIMIT);
      assert.deepEqual(seen, [0x80000123, 0x90000456]);
      assert.equal(register(machine, 'edx'), 0x90000456);
      assert.equal(machine.faults.length, 1);
    });

    it(`${engine}: stops before a hypercall that somebody waits for, and makes it once when the run goes on`, () => {
      const machine = machineWith(assemble('mov eax, 3\nvmcall\nmov eax, 4\nvmcall\nout 0xf4, al'), { engine });
      const log = under(machine, (host, hypercalls) => ({ intercepts: counting(host, hypercalls) }));
      log.stopBefore = ({ number }) => number === 4;
      const stop = machine.run(LIMIT);
      assert.equal(stop.reason, 'hypercall');
      assert.equal(stop.description, 'Before the hypercall call_4(value=0x9) at 0x0010000d.');
      assert.equal(machine.instructions, 3);
      assert.deepEqual([...log.counts], [['call_3', 1]]);
      assert.equal(machine.run(LIMIT).reason, 'debug-exit');
      assert.deepEqual(
        [...log.counts],
        [
          ['call_3', 1],
          ['call_4', 1],
        ],
      );
      assert.deepEqual(
        log.records.map(({ instruction, result, caller }) => [instruction, result, caller]),
        [
          [1, 0n, 0x100005],
          [3, 0n, 0x10000d],
        ],
      );
    });

    it(`${engine}: stops with the name of what it lacks, before the instruction`, () => {
      const machine = machineWith(assemble('mov eax, 3\nvmcall\nout 0xf4, al'), { engine });
      under(machine, () => ({
        intercepts: {
          hypercall: () => {
            throw new Unimplemented('hypercall 3 frobnicate(ebx=0x0)');
          },
        },
      }));
      const stop = machine.run(LIMIT);
      assert.equal(stop.reason, 'unimplemented');
      assert.match(stop.description, /^At 0x00100005 .*hypercall 3 frobnicate/);
      assert.equal(machine.cpu.state.ip, 0x100005);
      assert.equal(machine.instructions, 1);
    });

    it(`${engine}: VMCALL and VMMCALL are #UD where nobody answers`, () => {
      for (const instruction of ['vmcall', 'vmmcall']) {
        const machine = machineWith(
          assemble(`${MACROS}\nstart:\nsetup\ngate 6, bad\n${instruction}\nbad:\nout 0xf4, al`),
          {
            engine,
          },
        );
        assert.equal(machine.run(LIMIT).reason, 'debug-exit');
        const [fault] = machine.faults;
        assert.equal(fault?.vector, 6);
        assert.match(
          fault.reason,
          new RegExp(`^${instruction.toUpperCase()} needs .* or a hypervisor that answers it, bytes 0f 01`),
        );
      }
    });
  }

  it('answers ports before the devices do', () => {
    const machine = machineWith(assemble('in al, 0x60\nmov bl, al\nmov al, 9\nout 0xe9, al\nout 0xf4, al'));
    const written: number[] = [];
    under(machine, () => ({
      ports: {
        portRead: (port) => (port === 0x60 ? 0x42 : undefined),
        portWrite: (port, width, value) => port === 0xe9 && written.push(value * width) > 0,
      },
    }));
    machine.run(LIMIT);
    assert.equal(register(machine, 'ebx'), 0x42);
    assert.deepEqual(written, [72]);
  });

  it('brings interrupts by rules of its own and wakes a halted guest', () => {
    const machine = machineWith(assemble('cli\nhlt\nmov al, 1\nhandler:\nout 0xf4, al'));
    let due = 1000;
    under(machine, ({ cpu, clock }) => ({
      device: {
        name: 'test hypervisor',
        save: () => ({ due }),
        restore: (state) => ({ due } = state as { due: number }),
        nextEvent: () => due,
        advance: (now) => {
          if (now >= due) due = Infinity;
        },
      },
      interrupts: {
        pending: () => due === Infinity && clock.now < 2000,
        open: () => cpu.halted,
        deliver: () => cpu.state.setRegister32(REGISTER.ecx, clock.now),
      },
    }));
    assert.equal(machine.run(LIMIT).reason, 'debug-exit');
    assert.equal(register(machine, 'ecx'), 1000);
  });

  it('has its state and its hypercalls in the snapshot', () => {
    const machine = machineWith(assemble('mov eax, 3\nvmcall\nmov eax, 4\nvmcall\nout 0xf4, al'));
    const log = under(machine, (host, hypercalls) => ({ intercepts: counting(host, hypercalls) }));
    machine.run({ maxInstructions: 2 });
    const snapshot = machine.save();
    const hash = hashSnapshot(snapshot);
    machine.run(LIMIT);
    assert.deepEqual([...log.counts.keys()], ['call_3', 'call_4']);
    machine.restore(snapshot);
    assert.deepEqual([...log.counts.keys()], ['call_3']);
    assert.equal(hashSnapshot(machine.save()), hash);
    machine.run(LIMIT);
    assert.deepEqual([...log.counts.keys()], ['call_3', 'call_4']);
  });
});

/** Every VMCALL is one of `call_N`, N from EAX, and its result is 0. */
function counting({ cpu }: SupervisorHost, log: HypercallLog): CpuIntercepts {
  return {
    hypercall: () => {
      const number = cpu.state.register32(REGISTER.eax);
      const call = { number, name: `call_${number}`, arguments: [{ name: 'value', value: 9n }] };
      log.make({ ...call, caller: cpu.instruction.ip }, () => 0);
      return true;
    },
  };
}
