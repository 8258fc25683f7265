import { controlRegisterOperations } from './control-register-access.ts';
import { cpuidOperations } from './cpuid.ts';
import { debugRegisterOperations } from './debug-register-access.ts';
import { descriptorQueryOperations } from './descriptor-queries.ts';
import { farReturnOperations } from './far-return.ts';
import { farTransferOperations } from './far-transfer.ts';
import { fxsaveOperations } from './fxsave.ts';
import { flagOperations } from './flag-access.ts';
import { hypercallOperations } from './hypercall.ts';
import { msrOperations } from './model-specific-registers.ts';
import type { SystemOperations } from './operation.ts';
import { portOperations } from './port-io.ts';
import { processorOperations } from './processor-control.ts';
import { segmentOperations } from './segment-load.ts';
import { simdFloatOperations } from './simd-float.ts';
import { simdIntegerOperations } from './simd-integer.ts';
import { simdMoveOperations } from './simd-move.ts';
import { softwareInterruptOperations } from './software-interrupt.ts';
import { sysenterOperations } from './sysenter.ts';
import { tableRegisterOperations } from './table-registers.ts';
import { x87ArithmeticOperations } from './x87-arithmetic.ts';
import { x87CompareOperations } from './x87-compare.ts';
import { x87ControlOperations } from './x87-control.ts';
import { x87EnvironmentOperations } from './x87-environment.ts';
import { x87TranscendentalOperations } from './x87-transcendental.ts';
import { x87TransferOperations } from './x87-transfer.ts';

/** Every operation that an instruction description may call by name. While one runs, the instruction pointer is the instruction's own. */
export const systemOperations: SystemOperations = {
  ...farTransferOperations,
  ...farReturnOperations,
  ...softwareInterruptOperations,
  ...hypercallOperations,
  ...segmentOperations,
  ...tableRegisterOperations,
  ...controlRegisterOperations,
  ...debugRegisterOperations,
  ...cpuidOperations,
  ...msrOperations,
  ...portOperations,
  ...processorOperations,
  ...flagOperations,
  ...sysenterOperations,
  ...descriptorQueryOperations,
  ...simdMoveOperations,
  ...simdIntegerOperations,
  ...simdFloatOperations,
  ...fxsaveOperations,
  ...x87ArithmeticOperations,
  ...x87CompareOperations,
  ...x87ControlOperations,
  ...x87EnvironmentOperations,
  ...x87TranscendentalOperations,
  ...x87TransferOperations,
};
