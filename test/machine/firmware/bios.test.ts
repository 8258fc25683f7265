import assert from 'node:assert/strict';
import { hashSnapshot } from '../../../src/machine/machine-snapshot.ts';
import type { Machine } from '../../../src/machine/machine.ts';
import { SEGMENT as SEGMENT_INDEX } from '../../../src/cpu/state.ts';
import { MODE_3 } from '../../../src/machine/video/vga-mode-3.ts';
import { Random } from '../../support/random.ts';
import { requireTool } from '../../support/tools.ts';
import { realModeImage, realModeMachine, underOurBios } from './real-mode-guest.ts';

const SEGMENT = 0x9000;

/** Runs a program to the stop that ends it. */
function ended(source: string): { machine: Machine; text: string } {
  const machine = realModeMachine(realModeImage(source));
  const stop = machine.run({ maxInstructions: 1_000_000 });
  return { machine, text: `${stop.reason}: ${stop.description}` };
}

const gaps = ({ unclaimed }: Machine): string[] => unclaimed.map(({ description }) => description);

describe('the built-in BIOS', function () {
  this.timeout(60_000);

  before(function () {
    requireTool(this, 'nasm');
  });

  it('ends the run by name where it has no service, at the caller', () => {
    const { text } = ended('mov ax, 0x4c00\nmov bx, 1\nmov cx, 2\nmov dx, 3\ncaller: int 0x21');
    assert.match(
      text,
      /^unimplemented: At 9000:[\da-f]{4} the guest needs INT 0x21 \(AX=0x4c00 BX=0x0001 CX=0x0002 DX=0x0003\), which this BIOS does not have\.$/,
    );
  });

  it('ends the run for an exception in real mode that nobody handles, with its name', () => {
    assert.match(
      ended('mov bl, 0\ndiv bl').text,
      /needs a handler for #DE \(divide error\); vector 0 leads to the BIOS/,
    );
    assert.match(ended('ud2').text, /needs a handler for #UD \(invalid opcode\)/);
    // #GP is vector 13, which is IRQ 5 too; nothing is in service there.
    assert.match(ended('mov si, 0xffff\nlodsw').text, /needs a handler for #GP \(general protection\)/);
  });

  it('acknowledges an interrupt of a device that nobody handles, and lists it', () => {
    const { text, machine } = ended('sti\n.wait: jmp .wait');
    assert.match(text, /^max-instructions/);
    machine.devices.serial.portWrite(0x3f9, 8, 0x01);
    machine.devices.serial.portWrite(0x3fc, 8, 0x0b);
    machine.devices.interruptController.portWrite(0x21, 8, 0xa8);
    machine.receiveSerial([0x41]);
    machine.run({ maxInstructions: 200_000 });
    assert.deepEqual(gaps(machine), ['IRQ 4 came and its vector 0x0c leads to the BIOS, which has no use for it']);
    assert.equal(machine.devices.interruptController.portRead(0x20) & 0x10, 0);
  });

  it('stops where it would boot or restart', () => {
    assert.match(
      ended('int 0x19').text,
      /^shutdown: INT 0x19 at 9000:[\da-f]+ asked the BIOS to boot: there is no boot device/,
    );
    assert.match(ended('int 0x18').text, /^shutdown: INT 0x18 at .* gave up booting/);
    assert.match(ended('jmp 0xffff:0').text, /^shutdown: The guest jumped to the start of the BIOS/);
  });

  it('lists each function that it lacks once, with its registers and who called', () => {
    const call = 'mov ax, 0x5300\nmov bx, 0\nmov cx, 0\nmov dx, 0\nint 0x15\n';
    const { machine } = ended(`${call}${call}mov ax, 0x4f00\nint 0x10\nmov al, 0\nout 0xf4, al`);
    const [power, video] = machine.unclaimed;
    assert.match(
      power?.description ?? '',
      /^BIOS INT 0x15 AX=0x5300 \(BX=0x0000 CX=0x0000 DX=0x0000\) for 9000:[\da-f]+: this BIOS has no such function$/,
    );
    assert.equal(power?.count, 2);
    assert.match(video?.description ?? '', /INT 0x10 AX=0x4f00 .*there are no VESA BIOS extensions/);
  });

  it('does nothing for who writes to its port from elsewhere, and says so', () => {
    const { machine } = ended('out 0xb8, al\nmov al, 0\nout 0xf4, al');
    assert.deepEqual(gaps(machine), ['write to the port of the BIOS services from outside its ROM']);
  });

  it('waits for a key with interrupts let in, and gives what was typed', () => {
    const machine = realModeMachine(realModeImage('mov ah, 0\nint 0x16\ncall dump'));
    const bytes: number[] = [];
    machine.console.on((character) => bytes.push(character.charCodeAt(0)));
    assert.equal(machine.run({ maxInstructions: 2000 }).reason, 'max-instructions');
    // In the ROM's STI, HLT, JMP behind the OUT, or in the timer's handler.
    assert.equal(machine.cpu.state.segment(1).selector, 0xf000);
    machine.typeText('A');
    assert.equal(machine.run({ maxInstructions: 5000 }).reason, 'debug-exit');
    assert.deepEqual(bytes.slice(28, 30), [0x41, 0x1e]);
  });

  it('waits as long as INT 15h AH=86h asks, while ticks go on', () => {
    const machine = realModeMachine(realModeImage('mov ah, 0x86\nmov cx, 0x0003\nmov dx, 0x0d40\nint 0x15\ncall dump'));
    machine.run({ maxInstructions: 5_000_000 });
    // 200,000 µs are 20,000,000 ticks of 10 ns, and three and a half of 54.9 ms.
    assert.ok(machine.ticks >= 20_000_000 && machine.ticks < 20_100_000, `${machine.ticks}`);
    assert.ok(machine.instructions < 10_000);
    assert.equal(machine.memory.read32(0x46c), 3);
    assert.equal(machine.memory.read8(0x4a0), 0);
  });

  it('moves blocks between any two places, with address line 20 on and left as it was', () => {
    const { machine } = ended(`
  mov ax, 0x2400
  int 0x15
  mov si, table
  mov cx, 2
  mov ah, 0x87
  int 0x15
  mov al, 0
  out 0xf4, al
table: times 16 db 0
  dw 0xffff, data + 0x0000
  db 0x09, 0x93, 0, 0
  dw 0xffff, 0x0000
  db 0x30, 0x93, 0, 0
data: db 1, 2, 3, 4, 5`);
    assert.equal(machine.memory.read32(0x300000), 0x04030201);
    assert.equal(machine.memory.read8(0x300004), 0);
    assert.equal(machine.devices.a20.on, false);
  });

  it('leaves a screen that agrees with its data area', () => {
    const machine = realModeMachine(realModeImage(''));
    const { memory } = machine;
    assert.equal(memory.read16(0x44a), MODE_3.crtc[1] + 1);
    // 25 rows of 16 lines: display ends at line 0x18f, bit 8 in the overflow register.
    assert.equal(memory.read8(0x484) + 1, (MODE_3.crtc[0x12] + 0x100 + 1) / memory.read16(0x485));
    assert.equal(memory.read16(0x463), 0x3d4);
  });

  it('keeps nothing outside the machine: a snapshot in the middle of a wait goes on the same', () => {
    const image = realModeImage('mov ah, 0x86\nmov cx, 0\nmov dx, 9000\nint 0x15\nmov ah, 0\nint 0x16\ncall dump');
    const one = realModeMachine(image);
    one.run({ maxInstructions: 30 });
    const other = realModeMachine(realModeImage(''));
    other.restore(one.save());
    for (const machine of [one, other]) {
      machine.run({ maxInstructions: 3000 });
      machine.typeText('x');
      machine.run({ maxInstructions: 3000 });
    }
    assert.equal(hashSnapshot(one.save()), hashSnapshot(other.save()));
  });

  it('answers any call with any registers without an error of its own', () => {
    const random = new Random(0xb105);
    const vectors = [
      0x08, 0x09, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1c, 0x40, 0x70, 0x75,
    ];
    const machine = realModeMachine(realModeImage(''));
    const start = machine.save();
    const stops = new Set<string>();
    for (let call = 0; call < 1500; call++) {
      const vector = random.oneIn(12) ? random.below(256) : random.pick(vectors);
      // INT n; NOP; JMP to itself.
      machine.memory.write(SEGMENT * 16 + 0x8000, Uint8Array.of(0xcd, vector, 0x90, 0xeb, 0xfe));
      const { state } = machine.cpu;
      for (const register of [0, 1, 2, 3, 5, 6, 7]) state.setRegister32(register, random.word());
      if (random.oneIn(2)) state.setRegister32(1, random.below(64));
      if (random.oneIn(3)) state.setRegister16(0, (random.below(0x20) << 8) | random.below(0x20));
      state.setRegister32(4, 0xe000);
      for (const [index, selector] of [
        [SEGMENT_INDEX.cs, SEGMENT],
        [SEGMENT_INDEX.ss, SEGMENT],
        [SEGMENT_INDEX.es, 0x2000],
      ] as const)
        state.setSegment(index, { ...state.segment(index), selector, base: selector * 16 });
      state.ip = 0x8000;
      machine.cpu.wake();
      machine.cpu.stateChanged();
      const { reason } = machine.run({ maxInstructions: 300 });
      stops.add(reason);
      if (reason !== 'max-instructions') machine.restore(start);
    }
    assert.deepEqual([...stops].sort(), ['max-instructions', 'shutdown', 'unimplemented']);
  });

  it('prints the same on every engine', () => {
    const source = `
  mov ax, 3
  int 0x10
  mov si, 300
again:
  mov ax, 0x0e41
  int 0x10
  dec si
  jnz again
  mov ah, 3
  mov bh, 0
  int 0x10
  call dump`;
    const image = realModeImage(source);
    const results = (['translator', 'interpreter', 'reference'] as const).map((engine) => {
      const machine = realModeMachine(image, engine);
      return { bytes: underOurBios(image, machine), hash: hashSnapshot(machine.save()) };
    });
    assert.deepEqual(results[1], results[0]);
    assert.deepEqual(results[2], results[0]);
    // 300 letters are three lines and 60.
    assert.deepEqual([...(results[0]?.bytes.subarray(20, 22) ?? [])], [60, 3]);
  });
});
