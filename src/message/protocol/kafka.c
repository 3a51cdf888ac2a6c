/*
** kafka.c - Apache Kafka's protocol: requests and responses behind their size in four bytes (Kafka protocol guide, KIP-482).
**
** A request begins with the API's key and version, the correlation id and the client's name; a response with the correlation id only, so
** what it answers tells its API.  A produce request with acks 0 is not answered.  Of topics and groups the first one named is told.
** After a hole a response is believed when a request with its id is open, or when its id is a little above the last one seen.
** It does not read the raw tokens that follow a SaslHandshake of version 0.
*/
#include "message/protocol/kafka_names.h"
#include "message/registry.h"

enum {
    REQUEST_HEADER = 14,
    RESPONSE_HEADER = 8,
    SIZE_MAX_BYTES = 100 << 20, /* socket.request.max.bytes */
    SHOWN = 512,
    NEAR = 1024, /* ids that one hole may swallow */
    VERSION_MAX = 20,
    NAME_MIN = 3, /* bytes of a client's name that are told from chance */
    CLIENT_MAX = 255,
    NAME_MAX = 249, /* of a topic; groups may be longer */
    PRODUCE = 0,
    PRODUCE_TRANSACTIONAL = 3, /* versions from which on a transaction is named, and fields are compact */
    PRODUCE_FLEXIBLE = 9
};

struct kafka {
    uint8_t client; /* 0: not known; else 1 + the direction of the requests */
    bool has_last, lost;
    uint32_t last; /* correlation id of the last response */
    tl_label label;
};

static const tl_word apis[] = {{0, "Produce"},
                               {1, "Fetch"},
                               {2, "ListOffsets"},
                               {3, "Metadata"},
                               {4, "LeaderAndIsr"},
                               {5, "StopReplica"},
                               {6, "UpdateMetadata"},
                               {7, "ControlledShutdown"},
                               {8, "OffsetCommit"},
                               {9, "OffsetFetch"},
                               {10, "FindCoordinator"},
                               {11, "JoinGroup"},
                               {12, "Heartbeat"},
                               {13, "LeaveGroup"},
                               {14, "SyncGroup"},
                               {15, "DescribeGroups"},
                               {16, "ListGroups"},
                               {17, "SaslHandshake"},
                               {18, "ApiVersions"},
                               {19, "CreateTopics"},
                               {20, "DeleteTopics"},
                               {21, "DeleteRecords"},
                               {22, "InitProducerId"},
                               {23, "OffsetForLeaderEpoch"},
                               {24, "AddPartitionsToTxn"},
                               {25, "AddOffsetsToTxn"},
                               {26, "EndTxn"},
                               {27, "WriteTxnMarkers"},
                               {28, "TxnOffsetCommit"},
                               {29, "DescribeAcls"},
                               {30, "CreateAcls"},
                               {31, "DeleteAcls"},
                               {32, "DescribeConfigs"},
                               {33, "AlterConfigs"},
                               {34, "AlterReplicaLogDirs"},
                               {35, "DescribeLogDirs"},
                               {36, "SaslAuthenticate"},
                               {37, "CreatePartitions"},
                               {38, "CreateDelegationToken"},
                               {39, "RenewDelegationToken"},
                               {40, "ExpireDelegationToken"},
                               {41, "DescribeDelegationToken"},
                               {42, "DeleteGroups"},
                               {43, "ElectLeaders"},
                               {44, "IncrementalAlterConfigs"},
                               {45, "AlterPartitionReassignments"},
                               {46, "ListPartitionReassignments"},
                               {47, "OffsetDelete"},
                               {48, "DescribeClientQuotas"},
                               {49, "AlterClientQuotas"},
                               {50, "DescribeUserScramCredentials"},
                               {51, "AlterUserScramCredentials"},
                               {52, "Vote"},
                               {53, "BeginQuorumEpoch"},
                               {54, "EndQuorumEpoch"},
                               {55, "DescribeQuorum"},
                               {56, "AlterPartition"},
                               {57, "UpdateFeatures"},
                               {58, "Envelope"},
                               {59, "FetchSnapshot"},
                               {60, "DescribeCluster"},
                               {61, "DescribeProducers"},
                               {62, "BrokerRegistration"},
                               {63, "BrokerHeartbeat"},
                               {64, "UnregisterBroker"},
                               {65, "DescribeTransactions"},
                               {66, "ListTransactions"},
                               {67, "AllocateProducerIds"},
                               {68, "ConsumerGroupHeartbeat"},
                               {69, "ConsumerGroupDescribe"},
                               {71, "GetTelemetrySubscriptions"},
                               {72, "PushTelemetry"},
                               {74, "ListClientMetricsResources"},
                               {75, "DescribeTopicPartitions"},
                               {0, NULL}};

struct request {
    uint32_t size, correlation;
    uint16_t api, version;
    tl_span client;
};

/* May a request begin with these bytes, as far as they go?  *named: its client has a name, which leaves no doubt. */
static bool parse_request(tl_span b, struct request *r, bool *named)
{
    memset(r, 0, sizeof *r);
    *named = false;
    if (b.n >= 4) {
        r->size = tl_be32(b.p);
        if (r->size < REQUEST_HEADER - 4 || r->size > SIZE_MAX_BYTES) return false;
    } else if (b.p[0] > SIZE_MAX_BYTES >> 24) {
        return false;
    }
    if (b.n < 8) return true;
    r->api = tl_be16(b.p + 4);
    r->version = tl_be16(b.p + 6);
    if (r->version > VERSION_MAX || tl_word_of(apis, r->api) == NULL) return false;
    if (b.n < REQUEST_HEADER) return true;
    r->correlation = tl_be32(b.p + 8);
    uint16_t n = tl_be16(b.p + 12);
    if (n == UINT16_MAX) return true;
    if (n > CLIENT_MAX || REQUEST_HEADER + (size_t)n > 4 + (size_t)r->size) return false;
    r->client = tl_span_of(b.p + REQUEST_HEADER, n < b.n - REQUEST_HEADER ? n : b.n - REQUEST_HEADER);
    *named = r->client.n == n && n > 0;
    return tl_is_text(r->client);
}

static bool response_begins(tl_span b)
{
    if (b.n < 4) return b.p[0] <= SIZE_MAX_BYTES >> 24;
    return tl_be32(b.p) >= 4 && tl_be32(b.p) <= SIZE_MAX_BYTES;
}

static bool is_client(const struct kafka *s, tl_dir dir)
{
    return s->client != 0 ? s->client == 1u + dir : dir == TL_C2S;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    bool usual = tl_usual_port(d, in->server_port), waits = false, wrong = false, likely = false;
    for (int dir = 0; dir < 2; dir++) {
        struct request r;
        bool named;
        tl_span b = in->head[dir];
        if (b.n == 0) continue;
        if (parse_request(b, &r, &named)) {
            if (named && r.client.n >= NAME_MIN) return TL_YES;
            waits |= b.n < REQUEST_HEADER || (!named && b.n < REQUEST_HEADER + (size_t)tl_be16(b.p + 12) && b.n < 4 + (size_t)r.size);
            likely |= usual && b.n >= REQUEST_HEADER;
        } else if (response_begins(b)) {
            /* A response says too little: what the other direction asks decides. */
            waits |= in->head[!dir].n == 0;
        } else {
            wrong = true; /* unless the other direction leaves no doubt */
        }
    }
    return waits ? TL_MAYBE : likely && !wrong ? TL_LIKELY : TL_NO;
}

/* ---- measure ---- */

static tl_span behind_client(tl_span b, const struct request *r)
{
    tl_span rest = tl_shown(b, 4 + (uint64_t)r->size, SHOWN);
    (void)tl_take(&rest, REQUEST_HEADER + r->client.n);
    return rest;
}

static tl_kafka_names names_of(tl_span b, const struct request *r)
{
    return tl_kafka_first_names(r->api, r->version, behind_client(b, r));
}

/* Produce with acks 0: nobody answers.  rest: behind the client's name. */
static bool is_answered(const struct request *r, tl_span rest)
{
    if (r->api != PRODUCE) return true;
    if (r->version >= PRODUCE_FLEXIBLE) {
        (void)tl_take(&rest, 1); /* no tagged fields */
        size_t n = (size_t)tl_take_be(&rest, 1);
        (void)tl_take(&rest, n > 0 ? n - 1 : 0);
    } else if (r->version >= PRODUCE_TRANSACTIONAL) {
        size_t n = (size_t)tl_take_be(&rest, 2);
        (void)tl_take(&rest, n == UINT16_MAX ? 0 : n);
    }
    return rest.n < 2 || tl_be16(rest.p) != 0;
}

static tl_verdict measure_request(struct kafka *s, const tl_head *in)
{
    struct request r;
    bool named;
    if (in->bytes.n < REQUEST_HEADER) return tl_more(REQUEST_HEADER);
    if (!parse_request(tl_span_of(in->bytes.p, REQUEST_HEADER), &r, &named)) return tl_reject(0);
    uint64_t length = 4 + (uint64_t)r.size;
    size_t want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    if (!parse_request(in->bytes, &r, &named)) return tl_reject(0);
    tl_verdict v = tl_whole(in, length, SHOWN, "request");
    v.strong = named;
    s->client = (uint8_t)(1 + in->dir);
    tl_span rest = behind_client(in->bytes, &r);
    if (!is_answered(&r, rest)) return v;
    return tl_with_id(tl_as(v, TL_REQUEST, 1 + ((uint32_t)r.version << 16 | r.api)), r.correlation);
}

static tl_verdict measure_response(struct kafka *s, const tl_head *in)
{
    if (in->bytes.n < RESPONSE_HEADER) return tl_more(RESPONSE_HEADER);
    if (!response_begins(in->bytes)) return tl_reject(0);
    uint32_t id = tl_be32(in->bytes.p + 4);
    bool asked = tl_asked(in, id) != 0, near = s->has_last && id - s->last - 1 < NEAR;
    if (s->lost && !asked && !near) return tl_reject(0);
    tl_verdict v = tl_whole(in, 4 + (uint64_t)tl_be32(in->bytes.p), RESPONSE_HEADER, "response");
    v.strong = asked;
    s->has_last = true;
    s->last = id;
    s->lost = false;
    return tl_with_id(tl_as(v, TL_RESPONSE, 0), id);
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct kafka *s = state;
    struct request r;
    bool named;
    if (s->client != 0) return is_client(s, in->dir) ? measure_request(s, in) : measure_response(s, in);
    /* Who asks?  The name in a request tells, or that there is none. */
    if (in->bytes.n < REQUEST_HEADER + NAME_MIN && !in->ended) return tl_more(REQUEST_HEADER + NAME_MIN);
    tl_span seen = tl_shown(in->bytes, REQUEST_HEADER + NAME_MIN, REQUEST_HEADER + NAME_MIN);
    bool asks = parse_request(seen, &r, &named) && seen.n >= REQUEST_HEADER;
    return asks && (r.client.n >= NAME_MIN || tl_be16(in->bytes.p + 12) == UINT16_MAX) ? measure_request(s, in) : measure_response(s, in);
}

/* The API by name, from the request itself or from what was asked. */
static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct kafka *s = state;
    struct request r;
    bool named;
    uint32_t tag = v->tag;
    s->label.n = 0;
    if (v->role == TL_RESPONSE) tag = tl_asked(in, v->id);
    if (v->role == TL_ROLE_NONE && parse_request(in->bytes, &r, &named)) tag = 1 + ((uint32_t)r.version << 16 | r.api);
    if (tag == 0) return TL_OK;
    tl_label_word(&s->label, apis, (tag - 1) & 0xffff);
    tl_label_add(&s->label, tl_text_span("v"));
    tl_label_digits(&s->label, (tag - 1) >> 16);
    if (v->role != TL_RESPONSE && parse_request(in->bytes, &r, &named)) {
        tl_kafka_names names = names_of(in->bytes, &r);
        tl_label_add(&s->label, names.group);
        tl_label_add(&s->label, names.topic);
    }
    v->summary = tl_label_span(&s->label);
    return TL_OK;
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    struct kafka *s = state;
    if (!is_client(s, dir)) s->lost = true;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d;
    bool client = is_client(state, in->dir), named;
    struct request r;
    for (size_t at = 0; at < in->bytes.n; at++) {
        tl_span from = tl_span_of(in->bytes.p + at, in->bytes.n - at);
        if (client ? parse_request(from, &r, &named) : response_begins(from)) return at;
    }
    return in->bytes.n;
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d;
    const struct kafka *s = state;
    struct request r;
    bool named;
    if (is_client(s, in->dir)) {
        if (in->bytes.n < REQUEST_HEADER) return;
        tl_span b = tl_shown(in->bytes, 4 + (uint64_t)tl_be32(in->bytes.p), SHOWN);
        if (!parse_request(b, &r, &named)) return;
        tl_json_word(json, "api", apis, r.api);
        tl_json_number(json, "api_version", r.version);
        tl_json_number(json, "correlation_id", r.correlation);
        tl_json_some(json, "client_id", r.client, CLIENT_MAX);
        tl_kafka_names names = names_of(b, &r);
        tl_json_some(json, "group", names.group, NAME_MAX);
        tl_json_some(json, "topic", names.topic, NAME_MAX);
        return;
    }
    if (in->bytes.n < RESPONSE_HEADER) return;
    uint32_t id = tl_be32(in->bytes.p + 4), tag = tl_asked(in, id);
    if (tag != 0) {
        tl_json_word(json, "api", apis, (tag - 1) & 0xffff);
        tl_json_number(json, "api_version", (tag - 1) >> 16);
    }
    tl_json_number(json, "correlation_id", id);
}

const tl_detector tl_kafka = {
    .name = "kafka",
    .head_max = SHOWN,
    .state_size = sizeof(struct kafka),
    .ports = {9092, 9093, 9094},
    .first = TL_FIRST("\x00\x06"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
    .accept = accept,
};
