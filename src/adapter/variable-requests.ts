import { StartOfDayError } from '../util/errors.ts';
import { scopesOf } from '../debugger/variables/scopes.ts';
import { VariableHandles } from '../debugger/variables/handles.ts';
import type { VariableNode } from '../debugger/variables/node.ts';
import { didYouMean } from '../util/nearest-name.ts';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { memoryReference } from './addresses.ts';
import type { Handlers } from './requests.ts';
import type { SessionState } from './session-state.ts';

export function variableRequests(state: SessionState): Handlers<'scopes' | 'variables' | 'setVariable'> {
  const handles = new VariableHandles();

  const rowsOf = (handle: number): readonly VariableNode[] => {
    const rows = handles.open(handle);
    if (rows !== undefined) return rows;
    throw new StartOfDayError({
      code: 'variables-reference',
      blame: 'user',
      title: `There are no variables with the reference ${handle}`,
    });
  };
  const referenceOf = (parent: number, { name, children }: VariableNode): number =>
    children === undefined ? 0 : handles.handle(parent, name, children);

  const toVariable = (parent: number, node: VariableNode): DebugProtocol.Variable => ({
    name: node.name,
    value: node.value,
    ...(node.type === undefined ? {} : { type: node.type }),
    ...(node.evaluateName === undefined ? {} : { evaluateName: node.evaluateName }),
    ...(node.memory === undefined ? {} : { memoryReference: memoryReference(node.memory) }),
    ...(node.menu === undefined ? {} : { __vscodeVariableMenuContext: node.menu }),
    ...(node.set === undefined ? { presentationHint: { attributes: ['readOnly'] } } : {}),
    variablesReference: referenceOf(parent, node),
  });

  return {
    scopes: () => ({
      scopes: scopesOf(state.stopped.inspection).map(({ name, expensive, rows }) => ({
        name,
        expensive,
        ...(name === 'Registers' ? { presentationHint: 'registers' } : {}),
        variablesReference: handles.handle(0, name, rows),
      })),
    }),
    variables: ({ variablesReference, start = 0, count = 0 }) => {
      state.requireStopped();
      const rows = rowsOf(variablesReference);
      const page = rows.slice(start, count === 0 ? undefined : start + count);
      return { variables: page.map((node) => toVariable(variablesReference, node)) };
    },
    setVariable: ({ variablesReference, name, value }) => {
      state.requireStopped();
      const node = rowsOf(variablesReference).find((row) => row.name === name);
      if (node?.set === undefined)
        throw new StartOfDayError({
          code: 'set-variable',
          blame: 'user',
          title: node === undefined ? `There is no variable "${name}" here` : `"${name}" cannot be changed here`,
          mend:
            node === undefined
              ? didYouMean(
                  name,
                  rowsOf(variablesReference).map((row) => row.name),
                )
              : undefined,
        });
      node.set(value);
      const changed = rowsOf(variablesReference).find((row) => row.name === name) ?? node;
      const {
        value: text,
        type,
        variablesReference: reference,
        memoryReference: memory,
      } = toVariable(variablesReference, changed);
      // Other rows may show the same register.
      state.afterResponse(() => {
        state.invalidate();
      });
      return { value: text, type, variablesReference: reference, memoryReference: memory };
    },
  };
}
