// Where in the page one is, as the part after `#`: it survives a reload, a bookmark and the back button without a server's help.
import { useEffect, useState } from 'preact/hooks'

export type Route =
  /** Without a name, the first that is offered. */
  | { view: 'new'; recipe: string | undefined }
  | { view: 'task'; taskId: string }
  | { view: 'history' }
  | { view: 'unknown' }

export const taskPath = (taskId: string): string => `#/task/${taskId}`
export const homePath = '#/'
export const newPath = (recipe: string): string => `#/new/${recipe}`
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
  if (view === '') return { view: 'new', recipe: undefined }
  if (view === 'new' && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(rest)) return { view: 'new', recipe: rest }
  if (view === 'task' && /^[0-9a-f-]{36}$/i.test(rest)) return { view: 'task', taskId: rest }
  if (view === 'history') return { view: 'history' }
  return { view: 'unknown' }
}
