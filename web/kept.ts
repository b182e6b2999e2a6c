// Small things kept in the browser between visits. Where it keeps nothing (a private window, a full disk) they last as long as the page.
/** What the browser didn't take; it may still have what was there before. */
const fallback = new Map<string, string>()
const prefix = 'stepgate.'

export function kept(name: string): string | undefined {
  try {
    return fallback.get(name) ?? localStorage.getItem(prefix + name) ?? undefined
  } catch {
    return undefined
  }
}

export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(prefix + name, value)
    fallback.delete(name)
  } catch (error) {
    fallback.set(name, value)
    console.warn('The browser keeps nothing:', error)
  }
}

export function unkeep(name: string): void {
  fallback.delete(name)
  try {
    localStorage.removeItem(prefix + name)
  } catch (error) {
    console.warn('The browser keeps nothing:', error)
  }
}
