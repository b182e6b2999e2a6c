// The page's few drawings, in the colour of the text around them. They say nothing that words beside them don't say.
import type { ComponentChildren } from 'preact'

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {children}
    </svg>
  )
}

const paths = {
  camera: 'M4 8h3l2-3h6l2 3h3v11H4z M12 10.2a3.3 3.3 0 1 0 0 6.6 3.3 3.3 0 0 0 0-6.6z',
  image: 'M4 5h16v14H4z M4 16l5-5 4 4 3-3 4 4 M15.5 9.2v.1',
  plus: 'M12 5v14 M5 12h14',
  close: 'M6 6l12 12 M18 6L6 18',
  up: 'M12 19V5 M6 11l6-6 6 6',
  arrow: 'M5 12h14 M13 6l6 6-6 6',
  redo: 'M19 12a7 7 0 1 1-2.2-5.1 M19 3.5V8h-4.5',
  stop: 'M7 7h10v10H7z',
  download: 'M12 4v11 M7 11l5 5 5-5 M5 20h14',
  compare: 'M12 4v16 M9 8l-4 4 4 4 M15 8l4 4-4 4',
  clock: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z M12 8v4.5l3 2',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z M12 2.5v2 M12 19.5v2 M2.5 12h2 M19.5 12h2 M5.3 5.3l1.4 1.4 M17.3 17.3l1.4 1.4 M18.7 5.3l-1.4 1.4 M6.7 17.3l-1.4 1.4',
  moon: 'M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z',
  auto: 'M12 4a8 8 0 1 0 0 16z M12 4a8 8 0 0 1 0 16',
  file: 'M7 3h7l4 4v14H7z M14 3v4h4',
  play: 'M8 5.5l10.5 6.5L8 18.5z',
  sound:
    'M9.5 17.5V6l9-2v11.5 M9.5 17.5a2.5 2.5 0 1 1-5 0a2.5 2.5 0 0 1 5 0z M18.5 15.5a2.5 2.5 0 1 1-5 0a2.5 2.5 0 0 1 5 0z',
  alert: 'M12 4l9 16H3z M12 10v4.5 M12 17.2v.1',
} as const

export type IconName = keyof typeof paths

export function Drawn({ name }: { name: IconName }) {
  return (
    <Icon>
      <path d={paths[name]} />
    </Icon>
  )
}

/** Two posts and the way through: each step stands at a gate. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path d="M6 27V13a10 10 0 0 1 20 0v14" />
      <path d="M12 27V14a4 4 0 0 1 8 0v13" />
      <circle cx="16" cy="21.5" r="1.6" />
    </svg>
  )
}

/** Where a person is to come, and how much of them. */
export function Silhouette() {
  return (
    <svg class="silhouette" viewBox="0 0 64 96" aria-hidden="true" focusable="false">
      <circle cx="32" cy="15" r="10" />
      <path d="M14 88c0-6 1-14 2-22M50 88c0-6-1-14-2-22M12 62l4-22c1-6 5-9 10-9h12c5 0 9 3 10 9l4 22M24 62l1-18M40 62l-1-18M24 62c-2 8-2 17-2 26M40 62c2 8 2 17 2 26M32 70v18" />
    </svg>
  )
}
