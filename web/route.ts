// Where in the page one is, as the part after `#`: it survives a reload, a bookmark and the back button without a server's help.
import { useEffect, useState } from 'preact/hooks'
import type { RecipeName } from './inputs.ts'
import { isKnown, offered } from './recipes.ts'

export type Route =
  | { view: 'new'; recipe: RecipeName }
  | { view: 'task'; taskId: string }
  | { view: 'history' }
  | { view: 'unknown' }

export const taskPath = (taskId: string): string => `#/task/${taskId}`
export const newPath = (recipe: RecipeName): string => (recipe === offered[0] ? '#/' : `#/new/${recipe}`)
export const historyPath = '#/history'

export function useRoute(): Route {
  const [route, setRoute] = useState(currentRoute)
  useEffect(() => {
    const change = () => setRoute(currentRoute())
    window.addEventListener('hashchange', change)
    return () => window.removeEventListener('hashchange', change)
  }, [])
  return route
}

export function go(path: string): void {
  location.hash = path
}

function currentRoute(): Route {
  const [view = '', rest = ''] = location.hash.replace(/^#\/?/, '').split('/')
  if (view === '') return { view: 'new', recipe: offered[0] ?? 'try-on' }
  if (view === 'new' && isKnown(rest) && offered.includes(rest)) return { view: 'new', recipe: rest }
  if (view === 'task' && /^[0-9a-f-]{36}$/i.test(rest)) return { view: 'task', taskId: rest }
  if (view === 'history') return { view: 'history' }
  return { view: 'unknown' }
}
