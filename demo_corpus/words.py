"""What is said and sung, as data. Words are the project's own, except proverbs and Tang poems (public domain).

Sentences: English ends with a full stop or question mark; Mandarin is cut into words and separated by 。
Stanzas: quadrant, metre, then four lines separated by `/`. Each sign of a metre is a syllable; `/` falls on a beat.
"""

import re
from typing import NamedTuple

METRES = {"iamb": "x/x/x/x/", "trochee": "/x/x/x/", "five": "/x/x/"}


class Stanza(NamedTuple):
    """Four lines of one metre, and the quadrant whose mood they have."""

    quadrant: str
    metre: str
    lines: tuple


def _parts(text, border):
    """Parts of a text between matches of a pattern; line breaks are spaces."""
    return re.split(border, " ".join(text.split()))


def _stanzas(text):
    for part in _parts(text, " (?=Q[1-4] )"):
        quadrant, metre, lines = part.split(" ", 2)
        yield Stanza(quadrant, METRES[metre], tuple(lines.split(" / ")))


SENTENCES = {
    "english": _parts("""
The old lighthouse keeper counted the ships before he went to bed. Please leave the blue umbrella beside the kitchen
door. Every Thursday the market fills with apples, bread and loud voices. She opened the letter slowly, as if it might
fly away. Nobody on the train noticed that the clock had stopped. A good name is better than a great deal of money.
They built the bridge in seven months, although it rained for six of them. My grandmother used to say that soup is a
kind of medicine. The children chased the kite across the wet field until dark. Why does the coffee always taste
stronger on Monday? We measured the temperature of the lake twice a day. The first snow fell on the harbour without any
sound at all. He had lost his keys, his hat and most of his patience. Turn left at the church, then follow the river
for two miles. The orchestra was tuning while the audience looked for their seats. Some people read the last page of a
book before the first. It was the kind of silence that makes you want to whisper. The museum closes at five, but the
garden stays open until sunset. Three grey horses stood under the chestnut tree and waited for the rain to end. I would
rather walk than wait another hour for the bus. The teacher drew a large circle and asked us what we could see. Half a
loaf is better than no bread. After the storm the whole street smelled of leaves and salt. He practised the same
difficult measure until his neighbours knew it by heart. Could you tell me which platform the evening train leaves
from? The bread was still warm when we carried it home. In the valley below, a single lamp was burning in the
farmhouse. Their youngest daughter speaks four languages and sings in a fifth. Nothing is so common as the wish to be
remarkable. The baker's dog sleeps in the shop window every afternoon. A thin line of smoke rose from the far side of
the island. We have enough water for three days and enough biscuits for a week. The judge put down his glasses and
looked at the clock. Somewhere behind the wall a piano was playing very softly. If you listen closely, you can hear the
ice moving on the pond. The captain thanked his crew and promised them a week ashore. She painted the door yellow
because the winters there are long. It takes about nine minutes for the kettle to boil on that stove. When the cat is
away, the mice will play. The map was so old that half of the villages had changed their names. He answered every
question with another question. Fresh paint, clean windows and a new sign made the shop look twice as big. The doctor
told him to rest, to drink tea and to stop reading the news. Between the two mountains lies a road that is open only in
summer. All the lights went out at once, and somebody laughed. Our neighbour keeps bees on the roof and gives us honey
in September. The film begins at eight, so we should eat before seven. Birds of a feather flock together. The wooden
boat turned slowly and pointed its nose to the shore. A short walk after dinner helps me to think. They argued about
the price of the carpet for the whole afternoon. The letters on the stone are too worn to be read today. Last night I
dreamed that the stairs had no end. Put the heavy boxes on the lowest shelf, please. Each of the students chose a
different river to write about. The wind changed, and with it the mood of the sailors. You cannot step twice into the
same river. Her voice was low and clear, and it carried to the last row. The tailor found a silver coin in the lining
of the coat. We were late because the bridge had been raised for a sailing ship. Early in the morning the bakery is the
only bright place in town. The professor wrote the formula on a paper napkin. There are more stars in that photograph
than grains of rice in this bag. He whistled the tune twice, then wrote it down in pencil. The cheapest ticket is not
always the best bargain. Under the old bridge the echo answers three times.
""", r"(?<=[.?]) "),
    "mandarin": _parts("""
今天 天气 很 好 ， 我们 去 公园 散步 吧 。 他 每天 早上 六点 起床 跑步 。 这 家 饭馆 的 面条 又 便宜 又 好吃 。
请问 ， 火车站 离 这里 有 多远 。 妹妹 正在 房间 里 练习 弹 钢琴 。 昨天 晚上 下 了 一 场 大雪 ， 路 上 很 安静 。
学习 一 门 语言 需要 时间 和 耐心 。 图书馆 晚上 九点 关门 。 老师 在 黑板 上 画 了 一个 大 圆圈 。
我 的 朋友 住 在 海边 的 小 城市 。 春天 来 了 ， 山 上 的 花 都 开 了 。 爷爷 喜欢 一边 喝茶 一边 看报纸 。
这 本书 我 已经 读 过 三 遍 了 。 千里 之 行 ， 始于 足下 。 医生 让 他 多 休息 ， 多 喝水 。
孩子们 在 院子 里 放 风筝 。 我们 坐 公共汽车 去 博物馆 。 明天 的 会议 改 到 下午 三点 。
妈妈 做 的 饭菜 总是 最 香 的 。 河边 有 一 座 很 老 的 石桥 。 他 的 声音 很 低 ， 但是 非常 清楚 。
你 能 不能 帮 我 拿 一下 箱子 。 秋天 的 北京 ， 天空 又 高 又 蓝 。 这 条 路 一直 通 到 山顶 。
商店 里 的 苹果 三块 钱 一斤 。 音乐会 八点 开始 ， 请 大家 准时 入场 。 我 想 买 一张 去 上海 的 车票 。
小猫 睡 在 窗台 上 晒 太阳 。 困难 像 弹簧 ， 你 弱 它 就 强 。 哥哥 在 工厂 上班 ， 每个 周末 回家 。
雨 停 了 以后 ， 天边 出现 了 一道 彩虹 。 电影 还有 十分钟 就 开始 了 。 她 打开 信封 ， 慢慢 地 读 那 封 信 。
村子 里 的 人 都 认识 这位 木匠 。 世上 无难事 ， 只怕 有心人 。 飞机 晚点 了 两个 小时 。 我们 班 有 三十 个 学生 。
请 把 窗户 关上 ， 外面 风 很 大 。 他 一边 走 一边 唱歌 ， 心情 很 好 。 奶奶 讲 的 故事 我们 永远 听 不够 。
船长 站 在 甲板 上 看 着 远方 。 那 只 白色 的 鸟 飞过 了 湖面 。 晚饭 以后 ， 我们 常常 去 河边 走走 。
他 用 铅笔 把 这 首 曲子 记 了 下来 。 三人行 ， 必 有 我 师 。 夏天 的 夜晚 ， 星星 特别 多 。
这 件 衣服 颜色 好看 ， 可是 太 大 了 。 门口 停 着 一辆 红色 的 自行车 。 大家 都 同意 这个 办法 。
警察 告诉 我们 前面 的 路 不通 。 她 会 说 四种 语言 。 冬天 里 ， 一杯 热茶 能 让 人 高兴 起来 。
姐姐 把 旧 照片 放 在 一个 木盒 里 。 工人们 用 七个 月 修好 了 这 座 桥 。 我 从来 没有 见过 这么 大 的 西瓜 。
时间 过得 真 快 ， 一年 又 要 结束 了 。 邻居 家 的 狗 每天 下午 都 在 门前 睡觉 。 不要 着急 ， 我们 还有 很多 时间 。
他 忘记 带 钥匙 ， 只好 在 门外 等 。 远处 传来 了 轻轻 的 钟声 。 地图 上 没有 这个 小 村庄 。
新 的 一天 从 一碗 热粥 开始 。 听 君 一席 话 ， 胜 读 十年 书 。 她 把 门 漆 成 黄色 ， 因为 那里 的 冬天 很长 。
黄昏 的 时候 ， 渔船 一只 一只 回来 了 。 弟弟 问 我 月亮 上 有 没有 人
""", " 。 "),
}
STANZAS = {
    "english": tuple(_stanzas("""
Q1 iamb the morning sun is on the hill / and all the bells begin to ring /
    we run until the world is still / and every open heart can sing
Q1 trochee Dance along the summer street / clap your hands and turn around /
    feel the music in your feet / lift your shadow off the ground
Q1 iamb come out and dance the night is young / the lights are gold along the bay /
    the sweetest song is yet unsung / so take my hand and fly away
Q2 iamb the engine wheels are rolling on / the thunder breaks above the town /
    the gates are shut the guards are gone / and every wall is coming down
Q2 trochee Break the window burn the page / no one hears you when you call /
    beat the drum against the cage / run before the shadows fall
Q2 iamb we hear the hammer in the dark / the wolves are calling at the door /
    one angry word one bitter spark / and peace is what we had before
Q3 iamb the rain is falling on the stone / your letter lies beside the bed /
    I walk the winter road alone / and think of all the words unsaid
Q3 iamb my love has gone across the sea / the candle burns so low tonight /
    the empty chair remembers me / and no one comes to bring a light
Q3 trochee Slowly falls the autumn leaf / softly closes every door /
    winter is a silent thief / she will come to me no more
Q4 iamb the river rocks the little boat / the moon is resting in the tree /
    a gentle song begins to float / and all is well with you and me
Q4 trochee Close your eyes the day is done / stars are waking one by one /
    cool and gentle is the night / sleep until the morning light
Q4 iamb we sat together in the shade / the summer fields were soft and wide /
    a simple tune the water made / and time was walking side by side
""")),
    "mandarin": tuple(_stanzas("""
Q1 trochee 春天来到我们家 / 满山开遍小红花 / 你唱歌来我跳舞 / 今天快乐笑哈哈
Q1 trochee 朝辞白帝彩云间 / 千里江陵一日还 / 两岸猿声啼不住 / 轻舟已过万重山
Q1 trochee 阳光洒在大路上 / 朋友一起向前方 / 歌声飞过高山顶 / 心中充满新希望
Q2 trochee 黑云压城城欲摧 / 甲光向日金鳞开 / 角声满天秋色里 / 塞上燕脂凝夜紫
Q2 trochee 大风吹断桥边树 / 雷声打破夜半天 / 谁在门外高声喊 / 火光照亮你的脸
Q2 five 月黑雁飞高 / 单于夜遁逃 / 欲将轻骑逐 / 大雪满弓刀
Q3 five 床前明月光 / 疑是地上霜 / 举头望明月 / 低头思故乡
Q3 trochee 月落乌啼霜满天 / 江枫渔火对愁眠 / 姑苏城外寒山寺 / 夜半钟声到客船
Q3 trochee 清明时节雨纷纷 / 路上行人欲断魂 / 借问酒家何处有 / 牧童遥指杏花村
Q3 trochee 你走以后雨不停 / 空空房间冷清清 / 旧信一封放桌上 / 一夜无眠到天明
Q4 five 春眠不觉晓 / 处处闻啼鸟 / 夜来风雨声 / 花落知多少
Q4 five 空山新雨后 / 天气晚来秋 / 明月松间照 / 清泉石上流
Q4 trochee 小船轻轻水上摇 / 月亮弯弯挂树梢 / 宝宝睡吧快睡吧 / 妈妈唱着小歌谣
Q4 five 好雨知时节 / 当春乃发生 / 随风潜入夜 / 润物细无声
""")),
}
