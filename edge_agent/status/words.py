"""What field staff read, in English and 简体中文. docs/status.md explains every reason."""

from __future__ import annotations

from typing import Any, Literal

from edge_agent.errors import EdgeAgentError
from edge_agent.status.chinese.telling import in_chinese

Language = Literal["en", "zh"]

REASONS: dict[str, dict[Language, str]] = {
    "agent-never-ran": {
        "en": "The agent has not run since this machine was switched on. Start it: systemctl start edge-agent",
        "zh": "本机开机后尚未运行过采集程序。请启动：systemctl start edge-agent",
    },
    "agent-stopped": {
        "en": "The agent was stopped {age_s} s ago. Start it: systemctl start edge-agent",
        "zh": "采集程序已于 {age_s} 秒前停止。请启动：systemctl start edge-agent",
    },
    "agent-silent": {
        "en": "The agent has said nothing for {age_s} s: it died or hangs. See: journalctl -u edge-agent -n 50",
        "zh": "采集程序已 {age_s} 秒无响应：可能已崩溃或卡死。请查看：journalctl -u edge-agent -n 50",
    },
    "status-unreadable": {
        "en": "The agent's status cannot be read; as its user one can: sudo -u tidegate-edge gatectl status. {text}",
        "zh": "无法读取采集程序状态；请以其运行用户查询：sudo -u tidegate-edge gatectl status。{text}",
    },
    "device-unplugged": {"en": "{device} is unplugged. {text}", "zh": "{device} 未连接。{text}"},
    "device-silent": {"en": "{device} sends nothing. {text}", "zh": "{device} 无数据。{text}"},
    "device-babbling": {"en": "{device} cannot be understood. {text}", "zh": "{device} 数据无法识别。{text}"},
    "device-unreadable": {"en": "{device} gives no reading. {text}", "zh": "{device} 无有效读数。{text}"},
    "uplink-down": {
        "en": "Not connected to the collector; everything is kept here. {text}",
        "zh": "未连接中心；数据均已保存在本机。{text}",
    },
    "backlog": {
        "en": "{pending} records wait for the collector, the oldest for {age_s} s",
        "zh": "有 {pending} 条记录等待上传，最早的已等待 {age_s} 秒",
    },
    "no-progress": {
        "en": "Nothing goes up: {pending} records wait, and no receipt came for {age_s} s. They are kept here. See: "
        "journalctl -u edge-agent -g uplink, and the collector's log",
        "zh": "上传停滞：有 {pending} 条记录等待，已 {age_s} 秒没有回执。数据均已保存在本机。"
        "请查看：journalctl -u edge-agent -g uplink，以及中心的日志",
    },
    "certificate": {
        "en": "The certificate ends in {days} days; it is renewed when the collector can be reached",
        "zh": "证书还有 {days} 天到期；连接中心后会自动更新",
    },
    "certificate-ended": {
        "en": "The certificate ended {days} days ago by this machine's clock, which says {date}. If that is right: it "
        "is renewed when the collector's enrolment port can be reached. If not: set the clock",
        "zh": "按本机时钟（{date}），证书已过期 {days} 天。若时钟正确：能连接中心的注册端口后会自动更新；"
        "若不正确：请校准时钟",
    },
    "clock-wrong": {
        "en": "This machine's clock says {date}, which is before its certificate was made. It cannot connect until the "
        "clock is set; capture goes on",
        "zh": "本机时钟为 {date}，早于证书签发时间。校准时钟前无法连接中心；采集照常进行",
    },
    "disk": {"en": "The disk is full in {days} days if nothing goes up", "zh": "若不上传，磁盘将在 {days} 天后写满"},
    "disk-80": {
        "en": "The disk will be full: {percent} % are used, {megabytes} MB are left. Bring the connection back or make "
        "room",
        "zh": "磁盘将满：已用 {percent}%，剩余 {megabytes} MB。请恢复连接或清理空间",
    },
    "disk-95": {
        "en": "Pictures are not kept any more when the disk's reserve is reached: {percent} % are used, {megabytes} MB "
        "are left. Records still are. Make room now",
        "zh": "磁盘触及预留空间后不再保存图片：已用 {percent}%，剩余 {megabytes} MB。记录仍会保存。请立即清理空间",
    },
    "disk-full": {
        "en": "The disk is full, its reserve is used up: nothing more can be captured. Make room: capture then goes on "
        "by itself",
        "zh": "磁盘已满，预留空间已用尽：无法继续采集。清理空间后会自动恢复",
    },
    "imbalance": {
        "en": "The journal does not balance: {text}. Call the operator and keep this machine as it is",
        "zh": "日志记录数不符：{text}。请联系运维人员，并保持本机现状",
    },
    "journal-not-written": {
        "en": "The journal cannot be written; nothing more is captured until it can. {text}",
        "zh": "无法写入日志；恢复前不再采集。{text}",
    },
    "journal-missing": {
        "en": "The agent runs and its journal is gone: call the operator and keep this machine as it is",
        "zh": "采集程序在运行，但日志文件不存在：请联系运维人员，并保持本机现状",
    },
    "journal-unreadable": {
        "en": "The journal cannot be read; as the agent's user one can: sudo -u tidegate-edge gatectl status. {text}",
        "zh": "无法读取日志；请以采集程序的运行用户查询：sudo -u tidegate-edge gatectl status。{text}",
    },
}

LABELS: dict[str, dict[Language, str]] = {
    "healthy": {"en": "healthy", "zh": "正常"},
    "degraded": {"en": "degraded", "zh": "有问题"},
    "down": {"en": "down", "zh": "停止"},
    "device": {"en": "device", "zh": "设备"},
    "state": {"en": "state", "zh": "状态"},
    "last": {"en": "last reading", "zh": "最近读数"},
    "age": {"en": "age", "zh": "距今"},
    "journal": {"en": "journal", "zh": "日志"},
    "captured": {"en": "captured", "zh": "已采集"},
    "acknowledged": {"en": "acknowledged", "zh": "已确认"},
    "pending": {"en": "pending", "zh": "待上传"},
    "dead_lettered": {"en": "dead-lettered", "zh": "无法解析"},
    "oldest": {"en": "oldest unacknowledged", "zh": "最早未确认"},
    "receipt": {"en": "last receipt", "zh": "最近回执"},
    "disk": {"en": "days of disk left", "zh": "磁盘剩余天数"},
    "free": {"en": "{} GB free, {} % used", "zh": "剩余 {} GB，已用 {}%"},
    "collector": {"en": "collector", "zh": "中心"},
    "connected": {"en": "connected", "zh": "已连接"},
    "disconnected": {"en": "not connected", "zh": "未连接"},
    "certificate": {"en": "certificate", "zh": "证书"},
    "days": {"en": "{} days", "zh": "{} 天"},
    "clock": {"en": "clock", "zh": "时钟"},
    "synchronised": {"en": "synchronised", "zh": "已同步"},
    "unsynchronised": {"en": "not synchronised", "zh": "未同步"},
    "reference": {"en": "declarations here", "zh": "本地申报数据"},
    "orders": {"en": "control orders", "zh": "布控指令"},
    "order-active": {"en": "in force", "zh": "生效中"},
    "order-waiting": {"en": "not yet in force", "zh": "尚未生效"},
    "order-refused": {"en": "refused", "zh": "被拒绝"},
    "lane": {"en": "lane", "zh": "车道"},
    "vehicle": {"en": "vehicle at the gate", "zh": "当前车辆"},
    "person": {"en": "person at the gate", "zh": "当前旅客"},
    "passes_by": {"en": "observation point, nobody is stopped here", "zh": "观测点，不拦车"},
    "before": {"en": "before", "zh": "上一次"},
    "follow_up": {"en": "seen; to be followed up", "zh": "已记录，待跟进"},
    "seen": {"en": "seen", "zh": "已记录"},
    "let_go_by_officer": {"en": "RELEASED by an officer", "zh": "已由执法人员放行"},
    "ago": {"en": "{} ago", "zh": "{}前"},
    "never": {"en": "never", "zh": "无"},
    "unknown": {"en": "not known", "zh": "未知"},
    "none": {"en": "none", "zh": "无"},
    "bytes": {"en": "{} B", "zh": "{} 字节"},
    "undecodable": {"en": "cannot be decoded", "zh": "无法解码"},
    "started": {"en": "the agent started", "zh": "采集程序启动"},
    "stopped": {"en": "the agent was stopped", "zh": "采集程序停止"},
    # Who is stopped, and what field staff do about it (docs/desk.md).
    "stopped_now": {"en": "waiting for an officer: {}. See: gatectl why", "zh": "{} 起等待处理：gatectl why"},
    "nobody_stopped": {"en": "nobody is stopped", "zh": "没有被拦下的车辆或人员"},
    "since": {"en": "since {} ({})", "zh": "自 {} 起（已 {}）"},
    "passage": {"en": "passage", "zh": "通行编号"},
    "plate": {"en": "plate", "zh": "车牌"},
    "container": {"en": "container", "zh": "集装箱"},
    "document": {"en": "document", "zh": "证件"},
    "lifted": {"en": "settled by {}: {}", "zh": "已由 {} 处理：{}"},
    "gone_on": {"en": "It is not in the lane any more; what is held stays held", "zh": "已不在车道内；拦截仍然有效"},
    "went_back": {
        "en": "It went back the way it came: nobody stands there any more",
        "zh": "已原路返回，不在车道内，无需处理",
    },
    "back": {"en": "went back", "zh": "原路返回"},
    "acts_kept": {"en": "Acts kept for when it runs: {}", "zh": "已保存、待其运行后生效的操作：{} 项"},
    "needs": {"en": "What would release it:", "zh": "放行条件："},
    "more_stopped": {"en": "{} more: gatectl passages", "zh": "另有 {} 起：gatectl passages"},
    "acts_waiting": {
        "en": "{} act(s) of officers that this gate does not know yet are recorded and do not count",
        "zh": "有 {} 项操作已记录但暂不生效：本闸口尚无该人员信息",
    },
    "let_go": {"en": "released", "zh": "已放行"},
    "let_go_not_opened": {
        "en": "Released; nothing opened by itself, because it was not at the barrier. When it stands there: "
        "gatectl override {} --action release",
        "zh": "已放行；当时不在道闸前，未自动开闸。待其到达道闸处，请执行：gatectl override {} --action release",
    },
    "let_go_unsure": {
        "en": "Released while the agent ended: look whether the barrier opened. If it did not: "
        "gatectl override {} --action release",
        "zh": "放行时采集程序中断：请查看道闸是否已开启。若未开启：gatectl override {} --action release",
    },
    "agent_down": {
        "en": "The agent does not run. This is what it knew {} ago; acts are kept until it runs",
        "zh": "采集程序未运行。以下为 {}前的情况；操作会先保存，待其运行后生效",
    },
    # The states of a device (edge_agent.model.readings.DeviceState).
    "ok": {"en": "ok", "zh": "正常"},
    "starting": {"en": "starting", "zh": "启动中"},
    "unplugged": {"en": "unplugged", "zh": "未连接"},
    "silent": {"en": "silent", "zh": "无数据"},
    "babbling": {"en": "babbling", "zh": "乱码"},
    "unreadable": {"en": "unreadable", "zh": "无读数"},
    # What to do with a vehicle (gate_contract.v1.Action).
    "release": {"en": "RELEASE", "zh": "放行"},
    "review": {"en": "REVIEW: a person looks", "zh": "人工核查"},
    "inspect": {"en": "INSPECT", "zh": "查验"},
    "hold": {"en": "HOLD: call the officer", "zh": "拦截：请联系执法人员"},
}


def label(word: str, language: Language) -> str:
    """A word for a person; the word itself when there is no translation."""
    return LABELS.get(word, {}).get(language, word)


def sentence(code: str, values: dict[str, Any], language: Language) -> str:
    """A reason in words."""
    known = REASONS.get(code)
    if language == "zh":
        values = {name: in_chinese(value) if isinstance(value, str) else value for name, value in values.items()}
    return known[language].format(**values).strip() if known else f"{code}: {values}"


def told(error: EdgeAgentError, language: Language) -> str:
    """An error: what, its cause and the next step."""
    if language == "en":
        return str(error)
    return "。".join(in_chinese(part) for part in (error.what, error.cause, error.fix) if part)


def kilograms(text: str, language: Language) -> str:
    """A weight, with its unit."""
    return f"{text} {'千克' if language == 'zh' else 'kg'}"


def duration(seconds: int | None, language: Language) -> str:
    """A span of time as short as it can be said."""
    if seconds is None:
        return label("never", language)
    for size, unit, chinese in ((86_400, "d", "天"), (3600, "h", "小时"), (60, "min", "分钟")):
        if seconds >= 2 * size:
            return f"{seconds // size} {chinese if language == 'zh' else unit}"
    return f"{seconds} {'秒' if language == 'zh' else 's'}"
