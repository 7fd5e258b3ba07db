import {
  Activity,
  Blocks,
  Box,
  CalendarDays,
  ChartNoAxesColumn,
  Database,
  Gauge,
  Grid3x3,
  HardDrive,
  KeyRound,
  ListTree,
  OctagonAlert,
  Package,
  Play,
  Rocket,
  Server,
  Settings,
  Variable,
  Webhook,
  Workflow,
  Zap,
  type LucideIcon,
} from "lucide-react"

export interface Place {
  to: string
  label: string
  icon: LucideIcon
  /** The second of two keys, after `g`. */
  key?: string
}

export const NAVIGATION: readonly { title: string; places: readonly Place[] }[] = [
  {
    title: "Runs",
    places: [
      { to: "/", label: "Overview", icon: ChartNoAxesColumn, key: "o" },
      { to: "/flow-runs", label: "Flow runs", icon: Play, key: "r" },
      { to: "/task-runs", label: "Task runs", icon: ListTree, key: "t" },
      { to: "/failures", label: "Failures", icon: OctagonAlert },
      { to: "/flows", label: "Flows", icon: Workflow, key: "f" },
    ],
  },
  {
    title: "Automation",
    places: [
      { to: "/deployments", label: "Deployments", icon: Rocket, key: "d" },
      { to: "/automations", label: "Automations", icon: Zap },
      { to: "/backfills", label: "Backfills", icon: Grid3x3 },
      { to: "/upcoming", label: "Upcoming", icon: CalendarDays, key: "u" },
      { to: "/workers", label: "Workers", icon: Server, key: "w" },
    ],
  },
  {
    title: "Data",
    places: [
      { to: "/results", label: "Results", icon: Box, key: "s" },
      { to: "/storage", label: "Storage", icon: HardDrive },
      { to: "/artifacts", label: "Artifacts", icon: Package, key: "a" },
      { to: "/cache", label: "Cache", icon: Database, key: "c" },
      { to: "/variables", label: "Variables", icon: Variable },
    ],
  },
  {
    title: "Set-up",
    places: [
      { to: "/blocks", label: "Blocks", icon: Blocks, key: "b" },
      { to: "/limits", label: "Limits", icon: Gauge, key: "l" },
      { to: "/events", label: "Events", icon: Webhook },
      { to: "/tokens", label: "Tokens", icon: KeyRound },
      { to: "/settings", label: "Settings", icon: Settings },
      { to: "/health", label: "Health", icon: Activity, key: "h" },
    ],
  },
]

export const PLACES: readonly Place[] = NAVIGATION.flatMap(group => group.places)
