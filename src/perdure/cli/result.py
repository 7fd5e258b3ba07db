"""`perdure result`: what runs returned. A result is named by its run."""

from perdure.cli.groups import new_group
from perdure.cli.result_copy import copy
from perdure.cli.result_diff import diff
from perdure.cli.result_get import get
from perdure.cli.result_import import import_
from perdure.cli.result_ls import ls
from perdure.cli.result_prune import prune
from perdure.cli.result_rewrite import rewrite
from perdure.cli.result_rm import rm
from perdure.cli.result_show import show_
from perdure.cli.result_verify import verify

app = new_group("List, show, load, compare, verify, copy and remove results.")

app.command()(ls)
app.command("show")(show_)
app.command()(get)
app.command()(diff)
app.command()(verify)
app.command()(copy)
app.command()(rewrite)
app.command()(rm)
app.command()(prune)
app.command("import")(import_)
