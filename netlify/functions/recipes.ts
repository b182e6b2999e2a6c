import type { Config } from '@netlify/functions'
import { recipes } from '../../functions/recipes.ts'
import { door } from '../runtime.ts'

export default door(recipes)

export const config: Config = { path: '/api/recipes' }
