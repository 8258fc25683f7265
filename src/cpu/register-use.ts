import * as iced from 'iced-x86';

/** Which registers with more than 32 bits an instruction reads: `ST0` to `ST7` before it, `MM0` to `MM7`, `XMM0` to `XMM7`. */
export interface RegisterUse {
  readonly read: readonly string[];
  /** It uses MMX registers, which are the significands of the x87 ones. */
  readonly mmx: boolean;
}

/** Operands and what is read without being one, as in FPATAN. */
export function registerUse(instruction: iced.Instruction): RegisterUse {
  const { OpAccess } = iced;
  const reads: ReadonlySet<iced.OpAccess> = new Set([
    OpAccess.Read,
    OpAccess.CondRead,
    OpAccess.ReadWrite,
    OpAccess.ReadCondWrite,
  ]);
  const factory = new iced.InstructionInfoFactory();
  const info = factory.info(instruction);
  const used = info.usedRegisters() as iced.UsedRegister[];
  const stack = used.some(({ register }) => nameOf(register)?.startsWith('ST') === true);
  const named = used.flatMap(({ register, access }) => {
    const name = nameOf(register);
    // FNSAVE is said to read both; what it saves is the x87 registers.
    return name === undefined || (stack && name.startsWith('MM')) ? [] : [{ name, read: reads.has(access) }];
  });
  for (const object of [...used, info, factory]) object.free();
  return {
    read: named
      .filter(({ read }) => read)
      .map(({ name }) => name)
      .sort(),
    mmx: named.some(({ name }) => name.startsWith('MM')),
  };
}

/** `ST0`, `MM0`, `XMM0` and so on; undefined for other registers. */
function nameOf(register: iced.Register): string | undefined {
  const name = iced.Register[register];
  return /^(ST|MM|XMM)[0-7]$/.test(name) ? name : undefined;
}
