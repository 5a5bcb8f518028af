"""`gatectl --help`, in 简体中文: what each command and option is for, and the words of the page itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

HELP: Final[Mapping[str, str]] = {
    # gatectl itself, and what several commands share.
    "How is this gate? Exit code 0 healthy, 1 degraded, 2 down.": "本闸口运行如何？退出码：0 正常，1 有问题，2 停止。",
    "The site file.": "站点文件。",
    "Language; else that of the session.": "语言；不写则按会话的语言。",
    "Language; else gatectl's.": "语言；不写则同 gatectl。",
    "Show the version and exit.": "显示版本。",
    "Show this message and exit.": "显示本帮助。",
    "One JSON object on stdout.": "输出一个 JSON 对象，供程序使用。",
    # status, devices, tail
    "Everything at a glance: devices, lanes, journal, connection.": "总览：设备、车道、日志、与中心的连接。",
    "Show it anew every second until Ctrl-C.": "每秒刷新，按 Ctrl-C 结束。",
    "One JSON object on stdout; with --watch, one a line.": "输出一个 JSON 对象；与 --watch 同用时每行一个。",
    "Each device with its state, its last reading and what to do.": "各设备的状态、最近读数和处理办法。",
    "The newest records of the journal.": "日志中最新的记录。",
    "How many records.": "记录条数。",
    "Go on with what comes, until Ctrl-C.": "持续显示新记录，按 Ctrl-C 结束。",
    "One JSON object a line.": "每行一个 JSON 对象。",
    # why, passages
    "Why the vehicle or person in front is stopped, and what would release them.": (
        "当前车辆或人员为何被拦下，如何才能放行。"
    ),
    "Every passage that this gate keeps: stopped, or released lately.": "本闸口保留的全部通行：被拦下的和近期放行的。",
    # lift, inspect, override
    "Lift what the officer's authority holds.": "解除本机关的拦截。",
    "Record what an inspection found.": "记录查验结果。",
    "Put another action in the place of the rule book's. What other authorities hold stays held.": (
        "另行决定，取代系统判定。其他机关的拦截不受影响。"
    ),
    "The officer's id.": "执法人员编号。",
    "The officer's Ed25519 key, PEM; a passphrase is asked for.": "本人的 Ed25519 密钥（PEM 文件）；口令在提示后输入。",
    "Whom the officer acts for; else as the list of officers says.": "所属主管机关；不写则按人员名单。",
    "Why, in words. No names of travellers.": "理由。请勿填写旅客姓名。",
    "Only holds of this rule, e.g. D02; may be repeated.": "只解除此规则的拦截，如 D02；可重复。",
    "As declared; not so and settled on the spot; not so and kept.": "依次为：相符；不符，已当场处理；不符，已扣留。",
    "What was found, in words. No names of travellers.": "查验情况。请勿填写旅客姓名。",
    "Why it was inspected; else the text stands for it.": "查验原因；不写则以查验情况代替。",
    "Packages counted.": "清点件数。",
    "CONTAINER=NUMBER:whole, broken or absent; may be repeated.": (
        "箱号=封志号:whole（完好）、broken（破损）或 absent（缺失）；可重复。"
    ),
    "JPEG or PNG; repeatable.": "照片，JPEG 或 PNG；可重复。",
    "What to do instead.": "改为：放行、人工核查、查验或拦截。",
}
"""By the English help, as it stands at the command or option."""

PAGE: Final[Mapping[str, str]] = {
    "Options": "选项",
    "Commands": "命令",
    "[OPTIONS]": "[选项]",
    "COMMAND [ARGS]...": "命令 [参数]...",
    "[LANE|PASSAGE]": "[车道|通行编号]",
    "PASSAGE": "通行编号",
    "INTEGER RANGE": "整数",
    "FILE": "文件",
    "PATH": "文件",
    "TEXT": "文字",
    "[required]": "[必填]",
    "[default: ": "[默认：",
}
"""What stands around it; in this order, so that no word is taken for a part of another."""
