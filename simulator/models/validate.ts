// Holds an input against a model's published schema, as the providers' own machines do before a model begins. imitate.ts calls it.

import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import type { InputFault } from './model.ts'
import type { ModelSchema } from './schemas.ts'

const compiled = new WeakMap<ModelSchema, ValidateFunction>()

export function faultsOf(schema: ModelSchema, input: unknown): InputFault[] {
  const validate = compiled.get(schema) ?? compile(schema)
  compiled.set(schema, validate)
  if (validate(input)) return []
  const faults = (validate.errors ?? []).map(faultOf)
  // What only says that one of several didn't fit says less than the rest.
  const telling = faults.filter(({ type }) => type !== 'anyOf')
  return telling.length > 0 ? telling : faults
}

function compile({ schemas, input }: ModelSchema): ValidateFunction {
  // The providers' own words (x-order, nullable, formats of their own) are no mistakes.
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false })
  addFormats.default(ajv)
  ajv.addFormat('uri', isAddress)
  ajv.addSchema({ components: { schemas } }, 'model')
  return ajv.compile({ $ref: `model#/components/schemas/${input}` })
}

/** Both providers take addresses on the web and data URIs. */
const isAddress = (text: string) => /^(https?:\/\/\S|data:)/.test(text)

function faultOf({ instancePath, keyword, params, message = '' }: ErrorObject): InputFault {
  const path = instancePath
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~')))
  switch (keyword) {
    case 'required':
      return { path: [...path, String(params['missingProperty'])], message: 'Field required', type: 'missing' }
    case 'additionalProperties':
      return {
        path: [...path, String(params['additionalProperty'])],
        message: `Unexpected field '${params['additionalProperty']}'`,
        type: 'extra_forbidden',
      }
    case 'enum':
      return { path, message: `must be one of ${JSON.stringify(params['allowedValues'])}`, type: 'enum' }
    default:
      return { path, message, type: keyword }
  }
}
