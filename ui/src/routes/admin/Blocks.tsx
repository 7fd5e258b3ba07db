import { useQuery, useQueryClient } from "@tanstack/react-query"
import { Blocks as Icon, Plus } from "lucide-react"
import { useState } from "react"
import { client, unwrap, type Schemas } from "~/api/client"
import { Button } from "~/components/Button"
import { Card, Facts } from "~/components/Card"
import { CodeBlock } from "~/components/Code"
import { Copyable } from "~/components/Copyable"
import { ConfirmDialog } from "~/components/Dialog"
import { Empty, Failure, Skeleton } from "~/components/Feedback"
import { Timestamp } from "~/components/Time"
import { done } from "~/components/Toast"
import { PageHead } from "~/layout/PageHead"
import { useBecause } from "~/lib/permissions"
import { fieldsOf } from "~/lib/schemaForm"
import { EditAndDelete } from "./EditAndDelete"
import css from "./Admin.module.css"
import { BlockDialog } from "./BlockDialog"
import { blocks, blockTypes } from "./queries"

type Block = Schemas["BlockModel"]
type BlockType = Schemas["BlockTypeModel"]

/** Saved configurations, storages first of all. */
export function Page() {
  const because = useBecause("write")
  const saved = useQuery(blocks())
  const types = useQuery(blockTypes())
  const [edited, setEdited] = useState<Block | "new" | null>(null)
  const [deleting, setDeleting] = useState<Block | null>(null)
  const failed = saved.error ?? types.error
  return (
    <>
      <PageHead
        title="Blocks"
        about="Storages and other configurations, saved under a name that code refers to."
        actions={
          <Button
            look="primary"
            because={because}
            icon={<Plus size={14} aria-hidden />}
            disabled={types.data === undefined}
            onClick={() => setEdited("new")}
          >
            New block
          </Button>
        }
      />
      {failed ? (
        <Failure what="Blocks" error={failed} retry={() => Promise.all([saved.refetch(), types.refetch()])} />
      ) : saved.data === undefined || types.data === undefined ? (
        <Skeleton lines={8} />
      ) : saved.data.length === 0 ? (
        <Empty icon={Icon} title="No block is saved yet" command={EXAMPLE}>
          Create one here, or in code:
        </Empty>
      ) : (
        <div className={css["stack"]}>
          {byType(saved.data).map(([type, those]) => (
            <section key={type} className={css["section"]} aria-labelledby={`type-${type}`}>
              <h2 id={`type-${type}`}>
                {types.data.find(each => each.type === type)?.title ?? type}{" "}
                <span className="faint">{those.length}</span>
              </h2>
              <div className={css["cards"]}>
                {those.map(block => (
                  <BlockCard
                    key={block.id}
                    block={block}
                    type={types.data.find(each => each.type === type)}
                    because={because}
                    onEdit={() => setEdited(block)}
                    onDelete={() => setDeleting(block)}
                  />
                ))}
              </div>
            </section>
          ))}
        </div>
      )}
      {edited !== null && types.data !== undefined && (
        <BlockDialog block={edited === "new" ? null : edited} types={types.data} onClose={() => setEdited(null)} />
      )}
      <Delete block={deleting} onClose={() => setDeleting(null)} />
    </>
  )
}

const EXAMPLE = `from perdure.filesystems import LocalFileSystem

LocalFileSystem(basepath="/data/results").save("team")`

interface CardProps {
  block: Block
  /** Undefined if the server does not know it. */
  type: BlockType | undefined
  because: string | undefined
  onEdit: () => void
  onDelete: () => void
}

function BlockCard({ block, type, because, onEdit, onDelete }: CardProps) {
  const unknown = type === undefined ? "The server does not know this type: change it in code." : undefined
  const given = Object.entries(block.fields).filter(([, value]) => value !== null)
  return (
    <Card
      title={block.name}
      aside={
        <EditAndDelete
          of={block.slug}
          because={{ edit: because ?? unknown, delete: because }}
          onEdit={onEdit}
          onDelete={onDelete}
        />
      }
    >
      <Facts
        facts={[
          ["Slug", <Copyable key="slug" text={block.slug} />],
          ...given.map(
            ([name, value]) =>
              [titleOf(type, name), <Value key={name} value={value} secret={isSecret(type, name)} />] as const,
          ),
          ["Changed", <Timestamp key="changed" time={block.updated} />],
        ]}
      />
      <div className={css["use"]}>
        <CodeBlock code={useOf(block)} label={`How to use ${block.slug}`} />
      </div>
    </Card>
  )
}

function Value({ value, secret }: { value: unknown; secret: boolean }) {
  if (secret) return <span className="faint">Set, and secret</span>
  const text = typeof value === "string" ? value : JSON.stringify(value)
  return <span className="mono">{text.length > 400 ? `${text.slice(0, 400)}…` : text}</span>
}

function titleOf(type: BlockType | undefined, name: string): string {
  return fieldsOf(type?.fields_schema ?? {}).find(field => field.name === name)?.title ?? name
}

function isSecret(type: BlockType | undefined, name: string): boolean {
  return type?.secret_fields.includes(name) ?? false
}

const STORAGES = new Set(["local-file-system", "remote-file-system", "s3", "gcs", "azure"])

function useOf(block: Block): string {
  if (STORAGES.has(block.type)) return `@flow(persist_result=True, result_storage="${block.slug}")`
  return `Block.load("${block.slug}")`
}

function byType(saved: readonly Block[]): [string, Block[]][] {
  const groups = new Map<string, Block[]>()
  for (const block of saved) groups.set(block.type, [...(groups.get(block.type) ?? []), block])
  return [...groups]
}

function Delete({ block, onClose }: { block: Block | null; onClose: () => void }) {
  const queries = useQueryClient()
  return (
    <ConfirmDialog
      open={block !== null}
      onClose={onClose}
      title={`Delete ${block?.slug ?? ""}?`}
      action="Delete"
      danger
      onConfirm={async () => {
        if (block === null) return
        const { type, name } = block
        await unwrap(client.DELETE("/api/blocks/{type}/{name}", { params: { path: { type, name } } }))
        done(`Deleted ${block.slug}.`)
        await queries.invalidateQueries({ queryKey: ["blocks"] })
      }}
    >
      <p>
        Code that refers to it fails from then on. Results in a deleted storage can still be read, and nothing in the
        storage itself is touched.
      </p>
    </ConfirmDialog>
  )
}
