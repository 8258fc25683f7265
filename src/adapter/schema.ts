import { StartOfDayError } from '../util/errors.ts';
import { didYouMean } from '../util/nearest-name.ts';

/** The part of JSON Schema that launch configurations need. */
export type PropertySchema = { readonly description?: string; readonly default?: unknown } & (
  | {
      readonly type: 'string';
      readonly enum?: readonly string[];
      /** What an editor offers where any text is allowed. */
      readonly examples?: readonly string[];
    }
  | { readonly type: 'boolean' }
  | { readonly type: 'integer'; readonly minimum?: number }
  | { readonly type: 'array'; readonly items: PropertySchema }
  | ({ readonly type: 'object' } & (ObjectShape | { readonly additionalProperties: PropertySchema }))
);

interface ObjectShape {
  readonly required: readonly string[];
  readonly properties: Readonly<Record<string, PropertySchema>>;
}

export type ObjectSchema = ObjectShape & { readonly type: 'object' };

/** Throws unless `value` has the shape of the schema. `where` names the object in messages: "The launch configuration". */
export function checkObject(value: Readonly<Record<string, unknown>>, schema: ObjectShape, where: string): void {
  for (const [name, member] of Object.entries(value)) {
    const property = schema.properties[name];
    if (property === undefined)
      throw schemaError(
        'launch-attribute',
        `${where} has no attribute "${name}"`,
        didYouMean(name, Object.keys(schema.properties)) ??
          `The attributes are ${Object.keys(schema.properties).join(', ')}.`,
      );
    checkValue(member, property, `"${name}"`);
  }
  for (const name of schema.required)
    if (value[name] === undefined) throw schemaError('launch-missing', `${where} needs "${name}"`);
}

function checkValue(value: unknown, schema: PropertySchema, where: string): void {
  switch (schema.type) {
    case 'string':
      if (typeof value !== 'string') throw wrongType(where, 'a string', value);
      if (schema.enum !== undefined && !schema.enum.includes(value))
        throw schemaError(
          'launch-value',
          `${where} cannot be "${value}"`,
          didYouMean(value, schema.enum) ?? `This version has ${schema.enum.map((name) => `"${name}"`).join(', ')}.`,
        );
      return;
    case 'boolean':
      if (typeof value !== 'boolean') throw wrongType(where, 'true or false', value);
      return;
    case 'integer':
      if (!Number.isSafeInteger(value) || Number(value) < (schema.minimum ?? -Infinity))
        throw wrongType(where, `a whole number of at least ${schema.minimum ?? 0}`, value);
      return;
    case 'array':
      if (!Array.isArray(value)) throw wrongType(where, 'a list', value);
      value.forEach((item: unknown, index) => checkValue(item, schema.items, `${where} item ${index + 1}`));
      return;
    case 'object':
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw wrongType(where, 'an object', value);
      if ('properties' in schema) return checkObject(value as Record<string, unknown>, schema, where);
      for (const [name, member] of Object.entries(value))
        checkValue(member, schema.additionalProperties, `${where} "${name}"`);
  }
}

function wrongType(where: string, needed: string, value: unknown): StartOfDayError {
  return schemaError('launch-type', `${where} is ${JSON.stringify(value)}, but must be ${needed}`);
}

function schemaError(code: string, title: string, mend?: string): StartOfDayError {
  return new StartOfDayError({ code, blame: 'user', title, ...(mend === undefined ? {} : { mend }) });
}
