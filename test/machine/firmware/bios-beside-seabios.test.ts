import assert from 'node:assert/strict';
import { hex } from '../../../src/util/hex.ts';
import { requireTool } from '../../support/tools.ts';
import { DUMP, realModeImage, underOurBios, underSeaBios } from './real-mode-guest.ts';

const REGISTERS = ['edi', 'esi', 'ebp', 'esp', 'ebx', 'edx', 'ecx', 'eax'] as const;
type Name = (typeof REGISTERS)[number] | 'es' | 'cf' | 'zf';

/** One call: the interrupt, registers to set before (others hold 0x1111 and the like), and what is not compared, with the reason beside it. */
interface Call {
  readonly name: string;
  readonly vector: number;
  readonly ax: number;
  readonly set?: Partial<Record<'ebx' | 'ecx' | 'edx' | 'esi' | 'edi' | 'ebp', number>>;
  readonly except?: readonly Name[];
  /** NASM to run before. */
  readonly before?: string;
}

const DEFAULTS = { ebx: 0x22222222, ecx: 0x33333333, edx: 0x44444444, esi: 0x55555555, edi: 0x6666, ebp: 0x7777 };

function source(calls: readonly Call[]): string {
  return calls
    .map(({ vector, ax, set, before = '' }) => {
      const registers = Object.entries({ ...DEFAULTS, ...set }).map(([name, value]) => `  mov ${name}, ${value}`);
      return [
        before,
        '  push ds\n  pop es',
        ...registers,
        `  mov eax, ${0x99990000 + ax}`,
        `  int ${vector}`,
        '  call dump',
      ].join('\n');
    })
    .join('\n');
}

/** Every register of every call as text, without what is not compared. SP depends on where the loader put the stack, so it never is. */
function results(calls: readonly Call[], bytes: Uint8Array): string[] {
  assert.equal(bytes.length, calls.length * DUMP);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return calls.flatMap(({ name, except = [] }, index) => {
    const at = index * DUMP;
    const flags = view.getUint16(at + 34, true);
    const values: (readonly [Name, string])[] = [
      ...REGISTERS.map((register, n) => [register, hex(view.getUint32(at + n * 4, true), 8)] as const),
      ['es', hex(view.getUint16(at + 32, true), 4)],
      ['cf', String(flags & 1)],
      ['zf', String((flags >> 6) & 1)],
    ];
    const left = values.filter(([register]) => register !== 'esp' && !except.includes(register));
    return [`${name}: ${left.map(([register, value]) => `${register}=${value}`).join(' ')}`];
  });
}

function compare(calls: readonly Call[]): void {
  // ES is the program's own segment unless a service sets it.
  const own = (call: Call): Call => ({ ...call, except: [...(call.except ?? []), 'es'] });
  const checked = calls.map((call) => (call.name.includes('[es]') ? call : own(call)));
  const image = realModeImage(source(calls));
  assert.deepEqual(results(checked, underOurBios(image)), results(checked, underSeaBios(image)));
}

describe('BIOS services beside SeaBIOS', function () {
  this.timeout(180_000);

  before(function () {
    requireTool(this, 'nasm');
    requireTool(this, 'qemu-system-i386');
  });

  it('INT 15h: memory, address line 20, configuration, what there is not', () => {
    const map = { ebx: 0, ecx: 20, edx: 0x534d4150, edi: 0x7000 };
    compare([
      { name: 'E820, first entry', vector: 0x15, ax: 0xe820, set: map },
      { name: 'E820 without signature', vector: 0x15, ax: 0xe820, set: { ...map, edx: 0 } },
      { name: 'E820, buffer of 19', vector: 0x15, ax: 0xe820, set: { ...map, ecx: 19 } },
      { name: 'E820, entry 100', vector: 0x15, ax: 0xe820, set: { ...map, ebx: 100 } },
      // SeaBIOS keeps 128 KiB at the top for ACPI tables: two blocks of 64 KiB.
      { name: 'E801', vector: 0x15, ax: 0xe801, except: ['ebx', 'edx'] },
      { name: '88', vector: 0x15, ax: 0x8800, except: ['eax'] },
      { name: 'A20 off', vector: 0x15, ax: 0x2400 },
      { name: 'A20 is off', vector: 0x15, ax: 0x2402 },
      { name: 'A20 on', vector: 0x15, ax: 0x2401 },
      { name: 'A20 is on', vector: 0x15, ax: 0x2402 },
      { name: 'A20 ways', vector: 0x15, ax: 0x2403 },
      { name: 'A20, no such', vector: 0x15, ax: 0x2404 },
      { name: 'C0 [es]', vector: 0x15, ax: 0xc000 },
      { name: 'C1 [es]', vector: 0x15, ax: 0xc100 },
      { name: 'keyboard intercept', vector: 0x15, ax: 0x4f1e },
      { name: 'device busy', vector: 0x15, ax: 0x9000 },
      { name: 'E881', vector: 0x15, ax: 0xe881 },
      { name: 'E980', vector: 0x15, ax: 0xe980 },
      { name: 'EC00', vector: 0x15, ax: 0xec00 },
      { name: 'wait', vector: 0x15, ax: 0x8600, set: { ecx: 0, edx: 2000 } },
    ]);
  });

  it('INT 11h, 12h, 13h, 14h, 17h', () => {
    const drives = [0x00, 0x01, 0x80, 0x81];
    const functions = [0x00, 0x02, 0x08, 0x15, 0x41, 0x48];
    compare([
      // The number of serial ports, which this run of QEMU has none of.
      { name: 'equipment', vector: 0x11, ax: 0x1234, except: ['eax'] },
      { name: 'memory size', vector: 0x12, ax: 0x1234 },
      ...drives.flatMap((drive) =>
        functions.map((number): Call => {
          const set = { ebx: 0x55aa, edx: drive, ecx: 1 };
          return { name: `disk ${hex(drive, 2)} AH=${hex(number, 2)}`, vector: 0x13, ax: number << 8, set };
        }),
      ),
      { name: 'serial port 9', vector: 0x14, ax: 0x0300, set: { edx: 9 } },
      { name: 'printer', vector: 0x17, ax: 0x0200, set: { edx: 0 } },
    ]);
  });

  it('INT 16h on strokes that are put into the buffer', () => {
    const strokes = [0x1c0d, 0xe00d, 0xe00a, 0xe02f, 0x48e0, 0x01f0, 0x8500, 0x00e0, 0x1e61];
    const call = (name: string, ax: number, set: Call['set'] = {}): Call => ({ name, vector: 0x16, ax, set });
    compare([
      call('empty', 0x0100),
      call('empty, enhanced', 0x1100),
      ...strokes.flatMap((stroke) => [
        call(`put ${hex(stroke, 4)}`, 0x0500, { ecx: stroke }),
        call(`put ${hex(stroke, 4)} again`, 0x0500, { ecx: stroke }),
        call('peek', 0x0100),
        call('read', 0x0000),
        call('peek, enhanced', 0x1100),
        call('read, enhanced', 0x1000),
      ]),
      ...Array.from({ length: 17 }, (_, n) => call(`fill ${n}`, 0x0500, { ecx: n })),
      ...Array.from({ length: 15 }, (_, n) => call(`drain ${n}`, 0x0000)),
      call('shift state', 0x0200),
      call('shift states', 0x1200),
      call('functions', 0x0900),
      call('identity', 0x0a00),
      call('DOS asks', 0x9200),
      call('DOS asks more', 0xa200),
      call('no such', 0x7700),
    ]);
  });

  it('INT 1Ah: ticks and the PCI BIOS', () => {
    const call = (name: string, ax: number, set: Call['set'] = {}, except: readonly Name[] = []): Call => ({
      ...{ name, vector: 0x1a, ax, set },
      except,
    });
    compare([
      call('set ticks', 0x0100, { ecx: 0x0012, edx: 0x3456 }),
      call('get ticks', 0x0000, {}, ['edx']),
      // There is no 32-bit entry here.
      call('PCI BIOS', 0xb101, {}, ['edi']),
      call('host bridge by identity', 0xb102, { ecx: 0x1237, edx: 0x8086, esi: 0 }),
      call('a second one', 0xb102, { ecx: 0x1237, edx: 0x8086, esi: 1 }),
      call('ISA bridge by class', 0xb103, { ecx: 0x060100, esi: 0 }),
      call('no such class', 0xb103, { ecx: 0x123456, esi: 0 }),
      call('byte', 0xb108, { ebx: 0x0008, edi: 0x0a }),
      call('word', 0xb109, { ebx: 0x0008, edi: 0x02 }),
      call('double word', 0xb10a, { ebx: 0x0008, edi: 0x00 }),
      call('nobody there', 0xb10a, { ebx: 0x00f8, edi: 0x00 }),
      call('write', 0xb10b, { ebx: 0x0008, edi: 0x60, ecx: 0x0b }),
      call('what was written', 0xb108, { ebx: 0x0008, edi: 0x60 }),
      call('no such PCI function', 0xb1ff),
      call('no such', 0x7700),
    ]);
  });

  it('INT 10h: what it says of the screen', () => {
    const call = (name: string, ax: number, set: Call['set'] = {}, except: readonly Name[] = []): Call => ({
      ...{ name, vector: 0x10, ax, set },
      except,
    });
    compare(
      [0x03, 0x01, 0x13, 0x12, 0x83].flatMap((mode) => [
        call(`set mode ${hex(mode, 2)}`, mode),
        call('mode', 0x0f00),
        call('cursor', 0x0300, { ebx: 0 }),
        call('move', 0x0200, { ebx: 0x0000, edx: 0x0507 }),
        call('moved', 0x0300, { ebx: 0 }),
        call('EGA', 0x1200, { ebx: 0x10 }),
        call('display combination', 0x1a00),
        // Where the shapes are: there are none here.
        call('font', 0x1130, { ebx: 0x0600 }, ['ebp']),
        call('palette register', 0x1007, { ebx: 6 }),
        call('border', 0x1008),
        call('colour', 0x1015, { ebx: 6 }),
        // QEMU's VGA does not give its pixel mask back.
        call('mask', 0x1019, {}, ['ebx']),
        call('no such', 0x7700),
      ]),
    );
  });

  /** What follows prints bytes of its own, the same on both. */
  function compareBytes(source: string, length: number): void {
    const image = realModeImage(source);
    const [ours, theirs] = [underOurBios(image), underSeaBios(image)];
    assert.equal(ours.length, length);
    assert.deepEqual(rows(ours), rows(theirs));
  }

  it('INT 10h: text, attributes, scrolling, pages and the cursor as the VGA has it', () => {
    const call = (ax: number, bx: number, cx: number, dx: number): string =>
      `  mov ax, ${ax}\n  mov bx, ${bx}\n  mov cx, ${cx}\n  mov dx, ${dx}\n  int 0x10`;
    const type = (text: string): string =>
      Array.from(text, (character) => call(0x0e00 + character.charCodeAt(0), 0x0007, 0, 0)).join('\n');
    const steps = [
      call(0x0003, 0, 0, 0),
      type('first line\r\nsecond\b\b!\x07 beside\r\n'),
      call(0x0200, 0, 0, 0x0a4b),
      call(0x0941, 0x001e, 3, 0),
      call(0x0a42, 0x0070, 200, 0),
      type('over the end of the line'),
      // Windows up and down, cleared, and one that is too large.
      call(0x0602, 0x2e00, 0x0003, 0x0820),
      call(0x0701, 0x3d00, 0x0210, 0x0c30),
      call(0x0600, 0x4c00, 0x1402, 0x1609),
      call(0x0605, 0x5b00, 0x1040, 0x12ff),
      call(0x0200, 0, 0, 0x1846),
      type('scrolls the screen\r\nand again\n'),
      ...[0, 1, 2, 3].map((how) => `  mov bp, string\n${call(0x1300 + how, 0x002f, 8, 0x0310 + how * 0x0100)}`),
      call(0x0501, 0, 0, 0),
      call(0x0200, 0x0100, 0, 0x0511),
      type('on the second page'),
      call(0x0200, 0x0300, 0, 0x0102),
      call(0x0958, 0x0365, 5, 0),
    ].join('\n');
    const shapes = [0x0607, 0x0007, 0x0507, 0x2000, 0x0d0e, 0x0206];
    const cursor = (register: number): string =>
      `  mov dx, 0x3d4\n  mov al, ${register}\n  out dx, al\n  inc dx\n  in al, dx\n  out 0xe9, al`;
    compareBytes(
      `
  jmp begin
string: db 's', 't', 'r', 'i', 13, 10, 'n', 'g', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
begin:
${steps}
${[0x0c, 0x0d, 0x0e, 0x0f].map(cursor).join('\n')}
${shapes.map((shape) => `${call(0x0100, 0, shape, 0)}\n${cursor(0x0a)}\n${cursor(0x0b)}`).join('\n')}
  push ds
  mov ax, 0xb800
  mov ds, ax
  xor si, si
  mov cx, 0x4000
next:
  lodsb
  out 0xe9, al
  loop next
  pop ds`,
      4 + shapes.length * 2 + 0x4000,
    );
  });

  it('INT 10h AH=00h: every register of the VGA and its palette', () => {
    const read = (index: number, count: number): string => `
  mov cx, ${count}
  xor bl, bl
%%read${index}:
  mov dx, ${index}
  mov al, bl
  out dx, al
  inc dx
  in al, dx
  out 0xe9, al
  inc bl
  loop %%read${index}`;
    const modes = [0x00, 0x01, 0x02, 0x03, 0x12, 0x13];
    compareBytes(
      `
%macro registers 1
  mov ax, %1
  int 0x10
  mov dx, 0x3cc
  in al, dx
  out 0xe9, al
${read(0x3c4, 5)}
${read(0x3ce, 9)}
${read(0x3d4, 25)}
  mov cx, 21
  xor bl, bl
%%attribute:
  mov dx, 0x3da
  in al, dx
  mov dx, 0x3c0
  mov al, bl
  out dx, al
  inc dx
  in al, dx
  out 0xe9, al
  inc bl
  loop %%attribute
  mov dx, 0x3da
  in al, dx
  mov dx, 0x3c0
  mov al, 0x20
  out dx, al
  mov dx, 0x3c7
  mov al, 0
  out dx, al
  mov dx, 0x3c9
  mov cx, 768
%%palette:
  in al, dx
  out 0xe9, al
  loop %%palette
%endmacro
${modes.map((mode) => `  registers ${mode}`).join('\n')}`,
      modes.length * (1 + 5 + 9 + 25 + 21 + 768),
    );
  });

  it('INT 09h: what each key is with each modifier', () => {
    const modifiers = [[], [0x2a], [0x36], [0x1d], [0x38], [0x2a, 0x1d], [0xe0, 0x1d], [0xe0, 0x38], [0x3a], [0x45]];
    const quiet = new Set([0x1d, 0x2a, 0x36, 0x38, 0x3a, 0x45, 0x46, 0x54, 0x55]);
    const codes = Array.from({ length: 0x58 }, (_, n) => n + 1).filter((code) => !quiet.has(code));
    const extended = [0x1c, 0x35, 0x47, 0x48, 0x49, 0x4b, 0x4d, 0x4f, 0x50, 0x51, 0x52, 0x53];
    const strokes: string[] = [];
    let results = 0;
    for (const held of modifiers) {
      const lock = held[0] === 0x3a || held[0] === 0x45;
      const released = held.map((code) => (code === 0xe0 ? code : code | 0x80));
      const all = [
        ...codes.map((code) => [code, code | 0x80]),
        ...extended.map((code) => [0xe0, code, 0xe0, code | 0x80]),
      ];
      // Ctrl-Alt-Del would restart.
      const press = lock ? [...held, ...released] : held;
      strokes.push(...press.map((code) => `  key ${code}`));
      for (const stroke of all) {
        strokes.push(...stroke.map((code) => `  key ${code}`), '  call take');
        results++;
      }
      strokes.push(...(lock ? [...held, ...released] : released).map((code) => `  key ${code}`));
    }
    // Command 0xd2 puts a byte into the controller's output buffer as if the keyboard had sent it.
    compareBytes(
      `
%macro key 1
  mov al, %1
  call send
%endmacro
  jmp begin
settle:
  in al, 0x64
  test al, 3
  jnz settle
  ret
send:
  push ax
  call settle
  mov al, 0xd2
  out 0x64, al
  call settle
  pop ax
  out 0x60, al
  sti
.handled:
  in al, 0x64
  test al, 1
  jnz .handled
  nop
  nop
  cli
  ret
take:
  mov ah, 0x11
  int 0x16
  mov ax, 0
  jz .print
  mov ah, 0x10
  int 0x16
.print:
  out 0xe9, al
  mov al, ah
  out 0xe9, al
  mov ah, 0x12
  int 0x16
  out 0xe9, al
  mov al, ah
  out 0xe9, al
  ret
begin:
  cli
${strokes.join('\n')}`,
      results * 4,
    );
  });
});

/** Sixteen bytes a row, so that a difference shows where it is. */
function rows(bytes: Uint8Array): string[] {
  return Array.from({ length: Math.ceil(bytes.length / 16) }, (_, row) => {
    const part = [...bytes.subarray(row * 16, row * 16 + 16)];
    return `${hex(row * 16, 4)}: ${part.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}`;
  });
}
