/** What people at work say, are called and trade in. */

const list = (text: string): readonly string[] => text.trim().split(/\s+/)

/** Roughly by how often they are said. */
export const WORDS = list(`
  the to a and is it I we in of that for you on this with be have not are at as can do will but so if they just
  from what there or no all now about out up was get one my me how your when us then our know need think see good
  time had has some would should could more here let who also go make than look like yes thanks because before
  after still back today tomorrow again please other why where which done first last next week new old same right
  wrong maybe already never always every any much many few both only very too really nothing something anything
  someone everyone people team customer release server client build test branch change error review message page
  meeting call ticket issue problem question answer reason idea plan list report number version deploy update
  check fix write read send open close start stop move keep leave find ask tell show try use run work wait happen
  break merge push pull ship roll restart notice agree remember forget sound seem mean feel hope guess believe
  share join help talk explain finish miss lose save load scroll click press type drag copy paste print draw
  morning afternoon evening night monday tuesday wednesday thursday friday weekend minute hour day month year
  second soon later early late yesterday moment while until since during between under over without against
  office desk kitchen coffee lunch train window door screen keyboard phone laptop camera battery cable network
  log trace metric graph alert dashboard queue cache table index column field value key token password account
  invoice order price payment refund shipment address region country language font colour button menu form
  footer image icon draft note document folder file line word letter header comment thread channel
  database replica backup cluster node worker job task script pipeline commit package library module function
  timeout latency memory traffic request response socket frame limit threshold budget deadline milestone roadmap
  slow fast small large long short quick easy hard simple strange broken empty full ready busy free quiet loud
  careful sure sorry happy glad tired curious awkward clear obvious possible likely unlikely urgent important
  suddenly actually probably usually exactly almost nearly quite rather enough together alone twice halfway
  harbour mountain river garden winter summer holiday bicycle weather rain snow dinner soup bread birthday
`)

export const ENDINGS = ['.', '.', '.', '.', '?', '?', '!', '', '', ' 👍', ' 🙂', '…'] as const

export const REACTIONS = ['👍', '❤️', '😂', '🎉', '👀', '✅'] as const

export const FIRST_NAMES = list(`
  Mara Jonas Priya Tomasz Aino Diego Zoë Kwame Ingrid Luca Yuki Farah Oskar Noor Élise Pavel Hana Mateo Freya Amara
  Björn Sofia Ravi Chloé Emeka Astrid Nils Leila Hugo Mei Viktor Salma Arturo Greta Idris Nadia Otto Renata Sven Tala
`)

export const LAST_NAMES = list(`
  Lindqvist Okafor Moreau Petrov Haddad Tanaka Nowak Ferreira Keller Virtanen Sharma Rossi Jensen Mbeki Castillo
  Vogel Dubois Andersen Novák Ivanova Costa Weber Murphy Nakamura Santos Eriksen Bauer Demir Silva O'Brien Laurent
  Kowalski Berg Hassan Marchetti Lund Ortega Schmidt Yilmaz Fischer
`)

export const ROOMS = list(`
  general random support incidents releases design-reviews frontend backend platform mobile-app sales-emea hiring
  on-call data-science office-berlin office-porto book-club running lunch security billing migrations docs beta-feedback
`)

export const TEAMS = ['Support', 'Platform', 'Design', 'Sales', 'Billing', 'Mobile', 'Data', 'Security'] as const

export const ZONES = [
  'Europe/Helsinki',
  'Europe/Lisbon',
  'Europe/Berlin',
  'America/New_York',
  'America/Bogota',
  'Asia/Tokyo',
  'Asia/Kolkata',
  'Africa/Lagos',
] as const

export const DEVICES = ['iPhone', 'Android', 'Windows', 'macOS', 'Linux', 'iPad', 'Firefox', 'Chrome'] as const

export const SYMBOLS = list(`
  NORD AXLE BRYN CALD DELT EBON FJRD GRAN HELX INDG JUNO KELP LUMN MIST NOVA OPAL PYRE QUAY RIVT SOLR TARN UMBR VELA WREN
  XENI YARW ZINC ARBR BOLT CIRR DUNE ECHO FLNT GALE HAZL IRIS JETT KITE LARK MOSS NEON ONYX PINE QUIL REEF SAGE TIDE URSA
`)
