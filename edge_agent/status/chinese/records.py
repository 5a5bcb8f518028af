"""What stands in the journal's records, in 简体中文: a word for each incident, reading, loss, act and command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

INCIDENTS: Final[Mapping[str, str]] = {
    "device-unplugged": "设备未连接",
    "device-silent": "设备无数据",
    "device-babbling": "设备数据无法识别",
    "device-unreadable": "设备无有效读数",
    "device-refuses": "设备拒绝请求",
    "flapping": "设备反复故障",
    "radiation-gamma-background-high": "伽马本底过高",
    "radiation-gamma-background-low": "伽马本底过低",
    "radiation-neutron-background-high": "中子本底过高",
    "radiation-tamper-set": "探测门柜门打开",
    "distance-out-of-range": "距离传感器断线或超量程",
    "push-refused": "拒绝了摄像机推送",
    "models-refused": "识别模型不能使用",
    "passed-without-release": "未经放行通过",
    "act-refused": "拒绝了人员操作",
    "desk-closed": "操作通道不可用",
    "desk-full": "等待处理的通行过多",
    "order-refused": "布控指令不予执行",
    "policy-refused": "判定参数不予采用",
    "reference-damaged": "参考数据损坏",
    "reference-refused": "拒绝了参考数据",
    "reference-old": "参考数据疑为重放",
    "uplink-down": "未连接中心",
    "collector-behind": "中心从旧备份恢复",
    "evidence-lost": "图片证据丢失",
    "evidence-not-kept": "磁盘将满，图片不再保存",
    "journal-not-written": "无法写入日志",
    "journal-imbalance": "日志记录数不符",
}
"""By the incident's code, which is shown beside it: the manual goes by codes."""

WORDS: Final[Mapping[str, str]] = {
    # Readings (gate_contract.v1.Reading.body).
    "radiation": "辐射探测",
    "scan": "扫描",
    "vessel": "船舶",
    "position": "定位",
    "tag": "电子标签",
    "input": "触点",
    "distance": "测距",
    "container": "箱号",
    "face": "人脸",
    "camera": "摄像机画面",
    "axles": "轴重",
    "document": "证件",
    "seal": "封志",
    # What was lost (Loss.what).
    "records": "记录",
    "inbox": "设备数据",
    "evidence": "图片证据",
    # Acts (OfficerAct.what), and records that say nothing else.
    "lift": "解除拦截",
    "inspection": "查验",
    "override": "另行决定",
    "act": "人员操作",
    "probe": "测试数据",
    # Commands (Actuation.command).
    "open": "开闸",
    "close": "落闸",
    "green": "绿灯",
    "red": "红灯",
    "go": "放行",
    "stop": "禁止通行",
    "off": "关闭",
}
"""By the word that stands in the record."""
