"""What `gatectl` itself refuses, and what the system says, in 简体中文."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SENTENCES: Final[Mapping[str, str]] = {
    # Acts (status.acts).
    "the act is NOT recorded": "操作未记录",
    "the agent does not answer ({}), and {} takes nothing ({})": "采集程序无响应（{}），且 {} 无法写入（{}）",
    "use an account of the group tidegate-edge, or start the agent: systemctl start edge-agent. Until then write "
    "it down on paper": (
        "请使用 tidegate-edge 组的账户，或启动采集程序：systemctl start edge-agent。在此之前请在纸上记录"
    ),
    "make room on its disk, see: gatectl status. Until then write it down on paper, and open by hand who may go": (
        "请清理磁盘空间（gatectl status）。在此之前请在纸上记录，可放行的请手动开闸"
    ),
    "It cannot be recorded now: the agent is busy, or its disk takes nothing": (
        "暂时无法记录：采集程序繁忙，或磁盘无法写入"
    ),
    "an act without a reason is none": "操作必须说明理由",
    "say why: --reason": "请用 --reason 说明理由",
    "this gate does not know officer {}": "本闸口没有人员 {} 的信息",
    "correct --as; or, if the list of officers has not come yet, say for whom they act: --authority customs": (
        "请更正 --as；若人员名单尚未下发，请注明所属机关，如：--authority customs"
    ),
    "this gate keeps no passage {}": "本闸口没有通行 {}",
    "{} may be several passages": "{} 对应多个通行",
    "type more of its name: gatectl passages": "请输入更完整的编号：gatectl passages",
    "see: gatectl passages": "请查看：gatectl passages",
    "there is no lane or passage {} here": "本机没有车道或通行 {}",
    "see: gatectl passages, or: gatectl status": "请查看：gatectl passages 或 gatectl status",
    "the agent has not run since this machine was switched on": "本机开机后尚未运行过采集程序",
    "start it: systemctl start edge-agent": "请启动：systemctl start edge-agent",
    "the key {} cannot be read": "无法读取密钥 {}",
    "is the stick with the key in the machine? Name the file with --key": "U 盘是否已插入？请用 --key 指定密钥文件",
    "the key {} is under a passphrase": "密钥 {} 设有口令",
    "the passphrase does not open the key {}": "口令不能打开密钥 {}",
    "type it again": "请重新输入",
    "{} is no private key in PEM": "{} 不是 PEM 格式的私钥",
    "name the officer's key with --key": "请用 --key 指定人员本人的密钥",
    "{} is no Ed25519 key": "{} 不是 Ed25519 密钥",
    "name the key that the officer was enrolled with": "请使用该人员登记时的密钥",
    "{} pictures are too many": "照片有 {} 张，超过上限",
    "give at most {}": "最多 {} 张",
    "the words are too long": "文字过长",
    "say it in fewer, and keep the rest for the case's comments": "请精简，其余内容可写入案件备注",
    "the picture {} cannot be read": "无法读取照片 {}",
    "the picture {} is larger than {} MiB": "照片 {} 超过 {} MiB",
    "take a smaller one": "请使用较小的照片",
    "{} is no JPEG or PNG picture": "{} 不是 JPEG 或 PNG 照片",
    "set the camera to JPEG": "请将相机设为 JPEG 格式",
    "the seal {} cannot be read": "封志 {} 格式有误",
    "write CONTAINER=NUMBER:whole, NUMBER:broken for one on the vehicle, or CONTAINER=:absent": (
        "请写成 箱号=封志号:whole（完好）；车辆上的封志：封志号:broken（破损）；缺失：箱号=:absent"
    ),
    # The site file and what the agent left (status.reading, status.snapshot).
    "the site file {} cannot be read": "无法读取站点文件 {}",
    "name it with --config FILE": "请用 --config 指定文件",
    "{} is not TOML: {}": "{} 不是 TOML 文件：{}",
    "{}: agent is no table": "{}：agent 不是表",
    "{}: state_dir and runtime_dir in [agent] are texts": "{}：[agent] 中的 state_dir 和 runtime_dir 应为文本",
    "{}: site is missing": "{}：缺少 site",
    "run: edge-agent check-config --config {}": "请运行：edge-agent check-config --config {}",
    "there is no journal in {}": "{} 中没有日志",
    "the agent makes it when it runs for the first time": "采集程序首次运行时会建立",
    "the journal in {} cannot be read": "无法读取 {} 中的日志",
    "use the agent's user: sudo -u tidegate-edge gatectl …": (
        "请以采集程序的运行用户执行：sudo -u tidegate-edge gatectl …"
    ),
    "the status file {} cannot be read": "无法读取状态文件 {}",
    "it is not JSON: {}": "不是 JSON：{}",
    "another release of the agent wrote it": "由其他版本的采集程序写入",
    # What the system says.
    "No such file or directory": "文件不存在",
    "Permission denied": "没有权限",
    "No space left on device": "磁盘已满",
    "Is a directory": "这是一个目录",
    "Input/output error": "输入输出错误",
}
"""By the English sentence."""
