"""The journal, evidence, reference data and what is kept on this machine, in 简体中文."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SENTENCES: Final[Mapping[str, str]] = {
    # The journal, as it is used (journal.store, journal, closed, roll, reading; app.house, journal_look, status).
    "the journal {} cannot be opened": "无法打开日志 {}",
    "check that its directory exists, belongs to this user and has space": (
        "请检查目录是否存在、是否归本用户所有、是否有空间"
    ),
    "the journal {} cannot be written": "无法写入日志 {}",
    "free space on its disk, or look at the disk's health; nothing that was captured is affected": (
        "请清理磁盘空间，或检查磁盘健康；已采集的数据不受影响"
    ),
    "the journal {} cannot be read": "无法读取日志 {}",
    "the segment {}.db cannot be mended": "日志分段 {}.db 无法修复",
    "the segment {}.db cannot be read": "无法读取日志分段 {}.db",
    "the journal {} cannot be sealed anew": "日志 {} 无法重新封存",
    "acknowledged segments in {} cannot be removed": "无法删除 {} 中已确认的日志分段",
    "a record of more than {} bytes cannot be captured": "无法采集超过 {} 字节的记录",
    "the receipt for {} records names another root than this journal has": "{} 条记录的回执与本日志不一致",
    "the journal {} can begin no new segment, nor remove what it began": "日志 {} 无法开始新分段，未完成的也无法删除",
    "look at the disk's health": "请检查磁盘健康",
    "capture goes on here; keep the state directory as evidence, and enrol again with an empty one": (
        "本机继续采集；请保留状态目录作为证据，并用空目录重新注册"
    ),
    "the commit with record {} is gone": "第 {} 条记录所在的提交已丢失",
    "the tree behind record {} is not known: what follows cannot be proved to the collector": (
        "第 {} 条记录之后的哈希树未知：其后的记录无法向中心证明"
    ),
    "the journal was damaged where its tree could not be made again": "日志在哈希树无法重建之处损坏",
    "record {} was pruned": "第 {} 条记录已清理",
    "record {} is lost, and so is its hash: what comes after it cannot be proved to the collector": (
        "第 {} 条记录及其哈希均已丢失：其后的记录无法向中心证明"
    ),
    "the journal and its leaf file were damaged at the same place": "日志与其哈希文件在同一位置损坏",
    "the leaf files of the records before {} are damaged, and the records were pruned": (
        "第 {} 条之前记录的哈希文件已损坏，且记录已清理"
    ),
    "the collector asks for records that it has confirmed before: it was restored from a backup": (
        "中心要求重发其已确认的记录：中心是从备份恢复的"
    ),
    "restore the collector from a newer backup; if there is none, enrol this machine again": (
        "请用较新的备份恢复中心；若没有，请重新注册本机"
    ),
    "the leaf hash of record {} is gone, and the record was pruned": "第 {} 条记录的哈希已丢失，且记录已清理",
    "The journal does not balance: {}. Keep this machine as it is and call the operator": (
        "日志记录数不符：{}。请保持本机现状，并联系运维人员"
    ),
    "{} captured are not {} acknowledged + {} pending + {} dead-lettered": (
        "已采集 {} 条，不等于已确认 {} + 待上传 {} + 无法解析 {}"
    ),
    "{} captured are not {} acknowledged, pending, dead-lettered": "已采集 {} 条≠已确认、待上传、无法解析之和 {}",
    "the receipt that is kept is not the collector's": "保存的回执不是中心签发的",
    "{} went back from {} to {}": "{} 由 {} 退回到 {}",
    "{} were captured and {} are there": "已采集 {} 条，实有 {} 条",
    "{} were there and {} are held to be captured": "实有 {} 条，却记为已采集 {} 条",
    "{} are held to be at the collector; the receipt is for {}": "记为已送达中心 {} 条，回执为 {} 条",
    "the receipt is for {}; {} are held to be at the collector": "回执为 {} 条，记为已送达中心 {} 条",
    "{}; {}": "{}；{}",
    # What a damaged file cost (journal.losses, recovery, mend, verify, segment, resealing, salvage_old, truth).
    "The journal was damaged: {}. {}.{} Look at the disk's health, and replace it soon": (
        "日志曾损坏：{}。{}。{}请检查磁盘健康，并尽快更换"
    ),
    " The damaged file is kept as {}": "损坏的文件保存为 {}",
    "{} records from {} on are lost": "自第 {1} 条起丢失 {0} 条记录",
    "No record is lost": "没有丢失记录",
    "Messages of devices that no passage had taken yet may be lost": "尚未归入通行的设备数据可能丢失",
    "{} captured messages or passages under way are lost": "丢失 {} 条已采集的数据或进行中的通行",
    "a leaf file was altered": "哈希文件被改动",
    "its newest transactions are gone": "最新的写入已丢失",
    "it ends before the next one begins": "在下一分段开始之前中断",
    "the head does not fit its seal": "文件头与封印不符",
    "the head belongs to another segment": "文件头属于另一分段",
    "the head is gone": "文件头已丢失",
    "the commit at record {} does not fit its checksum": "第 {} 条记录处的提交校验不符",
    "the signed checkpoint of {} records does not fit its checksum": "{} 条记录的签名检查点校验不符",
    "the write-ahead log cannot be used, only {}": "预写日志不可用，只能用 {}",
    "a new segment is in use by somebody else": "新分段正被其他程序使用",
    "a message that is remembered against repetition does not fit its checksum": "去重用的数据校验不符",
    "{} does not begin as a segment does": "{} 的开头不是日志分段",
    "the journal {} belongs to {}, this agent's key to {}": "日志 {} 属于 {}，本机密钥属于 {}",
    "give the agent an empty state directory, or restore the key that belongs to this journal": (
        "请使用空的状态目录，或恢复属于此日志的密钥"
    ),
    "the journal {} was written by a newer agent (format {}, this one knows {})": (
        "日志 {} 由更新版本的采集程序写入（格式 {}，本版本支持 {}）"
    ),
    "install that release again": "请重新安装该版本",
    "{} has other tables than a segment has": "{} 的数据表不是日志分段的",
    "a page is damaged": "有数据页损坏",
    "SQLite finds it damaged": "SQLite 判定其损坏",
    "a captured message or a passage under way does not fit its checksum": "已采集的数据或进行中的通行校验不符",
    "captured messages or passages under way are missing": "缺少已采集的数据或进行中的通行",
    "the commit at record {} is gone": "第 {} 条记录处的提交已丢失",
    "it ends at record {}, its head says {}": "在第 {} 条记录中断，文件头为 {}",
    "the records have another root than the head says": "记录的根哈希与文件头不符",
    "it ends at record {}, {} records before its leaves do": "在第 {} 条记录中断，比哈希文件少 {} 条",
    "the newest signed checkpoint does not hold": "最新的签名检查点无效",
    "the newest signed checkpoint is for another tree than the head's": "最新的签名检查点与文件头的哈希树不符",
    "the commit at record {} holds {} records": "第 {} 条记录处的提交含 {} 条记录",
    "Of record {} not even the hash is left: the journal and its leaf file were damaged at the same place. So that "
    "what follows can be proved, everything from there on was sealed anew, with a hash in its place that is no record's"
    ". No further record is lost. Checkpoints of before for more than {} records hold no more; no collector has given "
    "a receipt for one. The {} files with them are kept in quarantine, the first as {}. Look at the disk's health, and "
    "replace it soon": (
        "第 {} 条记录连哈希也未能保留：日志与其哈希文件在同一位置损坏。为使其后的记录可以证明，"
        "自该处起已全部重新封存，该记录以占位哈希代替。没有再丢失记录。此前超过 {} 条记录的检查点不再有效，"
        "中心未曾为其签发回执。相关的 {} 个文件保存在 quarantine，第一个为 {}。请检查磁盘健康，并尽快更换"
    ),
    "the journal of an older agent, {}": "旧版采集程序的日志，{}",
    "the journal of an older agent cannot go on: its tree can be had neither from its head nor from its records": (
        "旧版采集程序的日志无法继续：文件头和记录都无法得到哈希树"
    ),
    "it is damaged at its head, and belongs to another machine or lacks records": (
        "文件头损坏，且属于其他机器或缺少记录"
    ),
    "what is left is kept in the directory quarantine: keep that as evidence, and enrol this machine again": (
        "剩余部分保存在 quarantine 目录：请保留作为证据，并重新注册本机"
    ),
    "the journal cannot go on: its tree of {} records can be had neither from its newest segment ({}.db) nor from the "
    "leaf file beside it": "日志无法继续：最新分段（{1}.db）和哈希文件都无法得到 {0} 条记录的哈希树",
    "both were damaged at the same place": "二者在同一位置损坏",
    "what is left is kept in the directory quarantine: keep that as evidence, move the directory journal away, and "
    "enrol this machine again": "剩余部分保存在 quarantine 目录：请保留作为证据，移走 journal 目录，并重新注册本机",
    # Evidence (journal.evidence, evidence_list; app.house).
    "The disk is nearly full. What is left is for records: pictures and weight curves are not kept, and the records "
    "say so. Free space, or let the uplink deliver what waits (gatectl status)": (
        "磁盘将满，剩余空间留给记录：图片和称重曲线不再保存，记录中会注明。"
        "请清理空间，或待积压数据上传（gatectl status）"
    ),
    "the gate's disk was full": "闸口磁盘已满",
    "the evidence directory {} cannot be used": "证据目录 {} 不能使用",
    "check that it belongs to the agent's user": "请检查其是否归采集程序的运行用户所有",
    "the evidence in {} cannot be written": "无法写入 {} 中的证据",
    "no room for the list of evidence": "没有空间保存证据清单",
    "somebody deleted it": "文件被删除",
    "the evidence {} is gone": "证据 {} 已丢失",
    "the evidence {} cannot be read": "无法读取证据 {}",
    "keep the file, and look at the disk's health": "请保留该文件，并检查磁盘健康",
    "the evidence {} was altered on disk": "证据 {} 在磁盘上被改动",
    "the list of evidence {} cannot be used": "证据清单 {} 不能使用",
    "free space on its disk, or look at the disk's health": "请清理磁盘空间，或检查磁盘健康",
    "an entry does not fit its checksum": "有条目校验不符",
    # Reference data (reference.cache, file, follow, freshness, sailing_keys; app.reference, policy).
    "reference.db is damaged: {}. It is fetched anew; look at the disk (dmesg)": (
        "reference.db 已损坏：{}。正在重新获取；请检查磁盘（dmesg）"
    ),
    "it cannot be read ({})": "无法读取（{}）",
    "{} declarations and {} other entries{} are damaged": "{} 份申报单和 {} 个其他条目{}已损坏",
    ", or more,": "（或更多）",
    "the cache is closed": "缓存已关闭",
    "the reference cache {} is damaged": "参考数据 {} 已损坏",
    "the reference cache {} cannot be used": "参考数据 {} 不能使用",
    "the reference cache {} cannot be written": "无法写入参考数据 {}",
    "the reference cache cannot be made anew": "参考数据无法重建",
    "check that its directory belongs to the agent's user and has space": (
        "请检查目录是否归采集程序的运行用户所有、是否有空间"
    ),
    "free space on its disk; until then this gate decides with what it has": "请清理磁盘空间；在此之前按现有数据判定",
    "a slice of reference data was refused": "拒绝了一段参考数据",
    "reference data was refused": "拒绝了参考数据",
    "it goes on from position {}, and this gate is at {}": "该段从位置 {} 开始，本闸口在 {}",
    "compare the clocks of collector and gate. Where both are right, somebody stands between them": (
        "请核对中心与闸口的时钟。若都正确，则有人在中间篡改"
    ),
    "an entry of {} bytes in it is no {}": "其中 {} 字节的条目不是 {}",
    "everything is fetched anew; if it comes again, ask the collector's operator to run the audit": (
        "正在全部重新获取；若再次出现，请联系中心运维人员执行审计"
    ),
    "everything is fetched anew; if it comes again, ask the collector's operator who signs there": (
        "正在全部重新获取；若再次出现，请向中心运维人员查明由谁签名"
    ),
    "the collector signed what it sent until now, and says that it cannot any more": (
        "中心此前发送的数据均已签名，现称不能再签名"
    ),
    "ask its operator whether an older release was installed; then stop the agent and delete reference.db": (
        "请询问中心运维人员是否装回了旧版本；确认后停止采集程序并删除 reference.db"
    ),
    "The collector says that this is all, and said it {} s ago by what it signed: its clock or this one's is wrong, or "
    "what it sent before is played again. Compare the clocks; where both are right, somebody stands in between": (
        "中心称数据已完整，但其签名时间为 {} 秒前：中心或本机时钟有误，或有人重放旧数据。"
        "请核对时钟；若都正确，则有人在中间篡改"
    ),
    "it was made at {}, long before the newest one that this gate has ({}): it was kept and played again, or a clock "
    "was set": "该段生成于 {}，远早于本闸口最新的一段（{}）：可能是旧数据重放，或时钟被调整",
    "{} signed, but did not cosign it": "{} 已签名，但未会签",
    "it is {}, not for this gate's site {}": "其为 {}，不属于本站点 {}",
    "its bytes are not those that were signed": "内容与签名不符",
    "what was signed is no slice": "所签内容不是参考数据",
    "it says another site or position than its signature": "站点或位置与签名不符",
    "the keys of sailings beside it are not those that were signed for": "所附航次密钥与签名不符",
    "the keys of sailings in {} cannot be used": "{} 中的航次密钥不能使用",
    "the keys of sailings in {} cannot be written": "无法写入 {} 中的航次密钥",
    "free space on its disk; until then this gate goes by those it has": "请清理磁盘空间；在此之前沿用现有密钥",
    "the key {} is damaged": "密钥 {} 已损坏",
    "This gate does not take over the policy that the collector sent. {}": "本闸口不采用中心下发的判定参数。{}",
    "The policy is no TOML: {}. Correct it there": "判定参数不是 TOML 文件：{}。请在中心更正",
    "The policy is wrong": "判定参数有误",
    "{} = {} is wrong ({}): set it to a number from {} to {}": "{} = {} 有误（{}）：请设为 {} 至 {} 的数",
    "{} = {} is wrong: write each class with its HS chapters, 1 to 99, e.g. textiles = [61, 62]": (
        "{} = {} 有误：请为每个类别写明 HS 章号（1 至 99），如 textiles = [61, 62]"
    ),
    "{} is unknown: {}": "未知的键 {}：{}",
    "{} = {} is no table: write [{}] and its keys below": "{} = {} 不是表：请写 [{}]，其下写各键",
    "did you mean {}?": "是否为 {}？",
    "known here: {}": "已知的有：{}",
}
"""By the English sentence."""
